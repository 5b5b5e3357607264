import { describe, expect, it } from '@jest/globals';
import { ExecQueue, ExecQueueFull } from './exec-queue.ts';

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
});
