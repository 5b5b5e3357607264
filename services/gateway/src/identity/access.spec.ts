import { describe, expect, it } from '@jest/globals';
import { route, routes } from '@kgpu/contracts';
import { checkAccess } from './access.ts';
import type { Caller } from './caller.ts';

const person = { user_id: 7, email: 'ann@lab.org', name: 'Ann', role: 'user', status: 'active', created_at: '2026-05-17T01:00:00Z' } as const;
const rental = (ending: boolean): Caller => ({ kind: 'rental', person, gpuId: 'gpu-7-260517010000-0123abcd', ending });
const reachable = (path: `/${string}`) => route(`PUT ${path}`, { tag: 'Files', summary: 'A file', rentalToken: true, replies: {} });

describe('the token of a rental', () => {
  it('reaches what is marked for it, and nothing else', () => {
    expect(() => checkAccess(routes.listRuns, rental(false))).not.toThrow();
    expect(() => checkAccess(routes.rentGpu, rental(false))).toThrow(expect.objectContaining({ code: 'forbidden' }));
  });

  it('reaches the drive of its user only, while the rental ends', () => {
    for (const path of ['/v1/files', '/v1/files/{path}', '/v1/files/*'] as const) expect(() => checkAccess(reachable(path), rental(true))).not.toThrow();
    for (const path of ['/v1/shared/{org}/{key}', '/v1/filesystem', '/v1/runs'] as const) {
      expect(() => checkAccess(reachable(path), rental(true))).toThrow(expect.objectContaining({ code: 'unauthenticated' }));
    }
    for (const other of [routes.listRuns, routes.rentGpu]) expect(() => checkAccess(other, rental(true))).toThrow(expect.objectContaining({ code: 'unauthenticated' }));
  });
});
