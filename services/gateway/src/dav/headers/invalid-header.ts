import { Problem } from '@kgpu/contracts';

export function invalidHeader(why: string): Problem {
  return new Problem('invalid_header', why);
}
