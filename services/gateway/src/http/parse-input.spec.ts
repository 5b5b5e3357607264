import { describe, expect, it } from '@jest/globals';
import { Problem, routes } from '@kgpu/contracts';
import { parseInput } from './parse-input.ts';

const gpuId = 'gpu-1-260517010000-0123abcd';
const nothing = { params: {}, query: {}, body: undefined };

function problemOf(parse: () => unknown): Problem {
  try {
    parse();
  } catch (error) {
    if (error instanceof Problem) return error;
  }
  throw new Error('expected a problem');
}
const pointers = (parse: () => unknown) => problemOf(parse).fields.errors?.map(({ pointer }) => pointer);

describe('the input of a route', () => {
  it('is parsed, with defaults filled in', () => {
    expect(parseInput(routes.rentGpu, { ...nothing, body: { image: 'debian' } }).body).toEqual({ image: 'debian', duration_hours: 12, env: {}, wait_seconds: 0, dry_run: false });
    expect(parseInput(routes.listRuns, { ...nothing, query: { limit: '7' } }).query).toEqual({ limit: 7 });
  });

  it('takes no cursor that was never given out, where going on from the start would go round for ever', () => {
    for (const route of [routes.listGpus, routes.listRuns, routes.listAllGpus]) {
      expect(pointers(() => parseInput(route, { ...nothing, query: { cursor: 'x' } }))).toEqual(['/query/cursor']);
    }
  });

  it('tells every error with a JSON pointer, unknown fields among them', () => {
    expect(pointers(() => parseInput(routes.rentGpu, { ...nothing, body: { image: 1, 'a/b~c': 2, env: { '1X': 'a' } }, query: { x: '1' } }))).toEqual([
      '/query/x', '/body/image', '/body/env/1X', '/body/a~1b~0c',
    ]);
    expect(pointers(() => parseInput(routes.rentGpu, nothing))).toEqual(['/body']);
  });

  it('refuses a parameter that is given twice', () => {
    expect(pointers(() => parseInput(routes.listRuns, { ...nothing, query: { limit: ['1', '2'] } }))).toEqual(['/query/limit']);
  });

  it('does not know things whose id no thing can have', () => {
    expect(problemOf(() => parseInput(routes.getGpu, { ...nothing, params: { gpu_id: "gpu-1'; --" } })).code).toBe('gpu_not_found');
    expect(problemOf(() => parseInput(routes.getRun, { ...nothing, params: { run_id: gpuId } })).code).toBe('run_not_found');
    expect(problemOf(() => parseInput(routes.changeUser, { ...nothing, params: { user_id: '0x1' } })).code).toBe('user_not_found');
  });

  it('stays small however much is wrong', () => {
    const command = Array.from({ length: 1_000 }, () => 1);
    const problem = problemOf(() => parseInput(routes.startRun, { ...nothing, body: { gpu_id: gpuId, command, ['x'.repeat(10_000)]: 1 } }));
    expect(JSON.stringify(problem).length).toBeLessThan(5_000);
  });
});
