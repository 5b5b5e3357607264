import { describe, expect, it } from '@jest/globals';
import { ExecQueue, ExecQueueFull, queueOf, shareQueueOf } from './exec-queue.ts';

describe('the queue of commands that begin', () => {
  it('lets four begin, and the next when one of them has begun', async () => {
    const queue = new ExecQueue(4);
    const leaves = await Promise.all([1, 2, 3, 4].map(() => queue.enter()));
    let fifth = false;
    const waiting = queue.enter().then((leave) => {
      fifth = true;
      return leave;
    });
    await Promise.resolve();
    expect(fifth).toBe(false);
    leaves[0]!();
    leaves[0]!();
    (await waiting)();
    for (const leave of leaves) leave();
    await Promise.all([1, 2, 3, 4].map(() => queue.enter())).then((again) => again.forEach((leave) => leave()));
  });

  it('is bounded', async () => {
    const queue = new ExecQueue(1, 1);
    const leave = await queue.enter();
    const waiting = queue.enter();
    await expect(queue.enter()).rejects.toThrow(ExecQueueFull);
    leave();
    (await waiting)();
  });

  it('takes the place back from a command that does not begin', async () => {
    const queue = new ExecQueue(1, 10, 20);
    const stuck = await queue.enter();
    (await queue.enter())();
    stuck();
    (await queue.enter())();
  });

  it('is shared by the processes that use one engine', async () => {
    const engine = {};
    const begun = async (count: number) => {
      let entered = 0;
      const leaves = Array.from({ length: count }, () => queueOf(engine).enter().then((leave) => {
        entered += 1;
        return leave;
      }));
      await new Promise(setImmediate);
      return { entered: () => entered, leaves };
    };
    shareQueueOf(engine, 2);
    const waiting = await begun(6);
    expect(waiting.entered()).toBe(2);
    shareQueueOf(engine, 1);
    (await waiting.leaves[0]!)();
    await new Promise(setImmediate);
    expect(waiting.entered()).toBe(5);
    for (const leave of waiting.leaves) (await leave)();
    shareQueueOf(engine, 9);
    const alone = await begun(2);
    expect(alone.entered()).toBe(1);
    for (const leave of alone.leaves) (await leave)();
  });
});
