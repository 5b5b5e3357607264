import { afterEach, describe, expect, it } from '@jest/globals';
import { UnknownEvent, type ReplayLine } from '@kgpu/contracts';
import { until } from '@kgpu/runtime/testing';
import { Replays } from './replays.ts';

const line: ReplayLine = { line: 'progress', events: 1, position: 1, head: 2 };
let replays = new Replays();
afterEach(() => {
  replays.close();
  replays = new Replays();
});

describe('a replay', () => {
  it('is read line by line until it is done, and is forgotten then', async () => {
    const id = replays.start(async function* () {
      yield line;
    });
    expect(await replays.read(id)).toEqual({ lines: [line], done: false });
    expect(await replays.read(id)).toEqual({ lines: [], done: true });
    await expect(replays.read(id)).rejects.toMatchObject({ code: 'replay_not_found' });
  });

  it('stops working when it is cancelled', async () => {
    let steps = 0;
    let hasEnded = false;
    const id = replays.start(async function* (signal) {
      while (!signal.aborted) {
        steps++;
        await new Promise(setImmediate);
        if (steps === 1) yield line;
      }
      hasEnded = true;
    });
    await replays.read(id);
    const reading = replays.read(id);
    await until(() => steps > 5);
    expect(replays.cancel(id)).toBe(true);
    await reading;
    await until(() => hasEnded);
    expect(replays.cancel(id)).toBe(false);
  });

  it('makes others wait when too many are under way', () => {
    const never = async function* () { /* nothing */ };
    for (let count = 0; count < 4; count++) replays.start(never);
    expect(() => replays.start(never)).toThrow(expect.objectContaining({ code: 'service_unavailable' }));
  });

  it('says which event it could not read, and nothing of a defect', async () => {
    const failing = async (error: Error) => {
      const id = replays.start(async function* (): AsyncGenerator<ReplayLine> {
        yield line;
        throw error;
      });
      await replays.read(id);
      return (await replays.read(id)).lines[0];
    };
    expect(await failing(new UnknownEvent('CreditsGranted version 2 at position 5'))).toMatchObject({ line: 'failed', detail: 'CreditsGranted version 2 at position 5' });
    expect(await failing(new Error('x is undefined'))).toMatchObject({ line: 'failed', code: 'internal_error', detail: 'The replay met a defect.' });
  });
});
