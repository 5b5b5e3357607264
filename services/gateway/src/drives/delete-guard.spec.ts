import { describe, expect, it } from '@jest/globals';
import { Problem, type ProblemCode } from '@kgpu/contracts';
import type { FastifyRequest } from 'fastify';
import { Result } from '../http/result.ts';
import { DeleteGuard } from './delete-guard.ts';

const request = (method: string, { agent = 'rclone/v1.60.1', url = '/v1/files/a', authorization = 'Bearer x' } = {}) =>
  ({ method, headers: { 'user-agent': agent, authorization }, raw: { url } }) as unknown as FastifyRequest;
const deleted = new Result({ deleted: 1 });
const remove = async (guard: DeleteGuard, of = {}) => (await guard.around(request('DELETE', of), async () => deleted)) === deleted;
const failedPut = (guard: DeleteGuard, code: ProblemCode, of = {}) => guard.around(request('PUT', of), () => Promise.reject(new Problem(code))).catch(() => undefined);

describe('the guard of deletions', () => {
  it('lets nothing be deleted by the deletion that rclone sends after a PUT that failed, and everything by the next', async () => {
    const guard = new DeleteGuard(() => 0);
    await failedPut(guard, 'rate_limited');
    expect([await remove(guard), await remove(guard)]).toEqual([false, true]);
  });

  it('is over after five seconds, and with a PUT that goes well', async () => {
    let nowMs = 0;
    const guard = new DeleteGuard(() => nowMs);
    await failedPut(guard, 'service_unavailable');
    nowMs = 5_001;
    expect(await remove(guard)).toBe(true);
    await failedPut(guard, 'service_unavailable');
    await guard.around(request('PUT'), async () => new Result(null, 201));
    expect(await remove(guard)).toBe(true);
  });

  it('is for that client and path only', async () => {
    const guard = new DeleteGuard(() => 0);
    await failedPut(guard, 'service_timeout');
    expect(await remove(guard, { url: '/v1/files/b' })).toBe(true);
    expect(await remove(guard, { authorization: 'Bearer y' })).toBe(true);
    expect(await remove(guard, { agent: 'curl/8.0' })).toBe(true);
    expect(await remove(guard)).toBe(false);
  });

  it('leaves to the files service what that has refused', async () => {
    const guard = new DeleteGuard(() => 0);
    await failedPut(guard, 'quota_exceeded');
    expect(await remove(guard)).toBe(true);
  });
});
