import { describe, expect, it } from '@jest/globals';
import type { RunEvent } from '@kgpu/contracts';
import { Runs, type RunQuery } from './runs.projection.ts';

const at = '2026-05-17T01:00:00.000Z';
const end = { signal: null, reason: null, message: null, elapsed_seconds: 1, stdout_bytes: 0, stderr_bytes: 0, output_truncated: false, at };
const mine: RunQuery = { userId: 1, gpuId: null, phase: null, limit: 50, before: null };

/** Runs of user 1 on two GPUs, one of user 2. */
function someRuns(): Runs {
  const runs = new Runs();
  let position = 0;
  const begin = (run_id: string, gpu_id: string, user_id: number, exitCode: number | null) => {
    const ids = { run_id, gpu_id, user_id };
    const order = { ...ids, name: null, command: ['true'], env: {}, cwd: null, timeout_seconds: null, runner: null, at };
    const events: RunEvent[] = [{ type: 'RunRequested', data: order }];
    if (exitCode !== null) events.push({ type: 'RunEnded', data: { ...ids, ...end, exit_code: exitCode } });
    for (const event of events) runs.apply(event, ++position);
  };
  begin('a', 'gpu-a', 1, 0);
  begin('b', 'gpu-b', 1, 3);
  begin('other', 'gpu-c', 2, 0);
  begin('c', 'gpu-a', 1, null);
  begin('d', 'gpu-a', 1, 0);
  return runs;
}
const list = (query: Partial<RunQuery>) => {
  const { runs, hasMore } = someRuns().list({ ...mine, ...query });
  return { ids: runs.map(({ run }) => run.order.run_id), last: runs.at(-1)?.seq ?? null, hasMore };
};

describe('the list of runs', () => {
  it('has those of one user on all GPUs, newest first', () => {
    expect(list({})).toMatchObject({ ids: ['d', 'c', 'b', 'a'], hasMore: false });
    expect(list({ userId: 2 }).ids).toEqual(['other']);
    expect(list({ userId: 3 }).ids).toEqual([]);
  });

  it('is narrowed to a GPU, a phase, or both', () => {
    expect(list({ gpuId: 'gpu-a' }).ids).toEqual(['d', 'c', 'a']);
    expect([list({ phase: 'Running' }).ids, list({ phase: 'Succeeded' }).ids, list({ phase: 'Failed' }).ids]).toEqual([['c'], ['d', 'a'], ['b']]);
    expect(list({ gpuId: 'gpu-a', phase: 'Failed' }).ids).toEqual([]);
    expect(list({ gpuId: 'gpu-c' }).ids).toEqual([]);
  });

  it('goes on from page to page, with none left out and none twice', () => {
    const first = list({ phase: 'Succeeded', limit: 1 });
    expect(first).toMatchObject({ ids: ['d'], hasMore: true });
    expect(list({ phase: 'Succeeded', limit: 1, before: first.last })).toMatchObject({ ids: ['a'], hasMore: false });
    expect(list({ limit: 4 }).hasMore).toBe(false);
  });
});
