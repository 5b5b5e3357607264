import { Problem } from '@kgpu/contracts';

/** The code of the problem that an act is refused with; `taken` when it is not. */
export function codeOf(act: () => unknown): string {
  try {
    act();
    return 'taken';
  } catch (error) {
    if (error instanceof Problem) return error.code;
    throw error;
  }
}
