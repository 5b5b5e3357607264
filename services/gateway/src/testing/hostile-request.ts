import type { Route } from '@kgpu/contracts';

export interface HostileRequest {
  /** What is wrong with it. */
  what: string;
  route: Route;
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string | Buffer | null;
}
