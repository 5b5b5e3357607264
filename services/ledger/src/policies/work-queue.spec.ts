import { describe, expect, it } from '@jest/globals';
import { Problem } from '@kgpu/contracts';
import { createLog } from '@kgpu/runtime';
import { until } from '@kgpu/runtime/testing';
import { WorkQueue } from './work-queue.ts';

const queue = () => new WorkQueue(createLog('silent'));

describe('a queue of work', () => {
  it('does a piece once though it is asked for many times while it waits', async () => {
    const work = queue();
    let done = 0;
    const gate = Promise.withResolvers<void>();
    for (let n = 0; n < 32; n++) work.add(`busy ${n}`, () => gate.promise);
    for (let times = 0; times < 5; times++) work.add('a', async () => void done++);
    gate.resolve();
    await until(() => work.idle);
    expect(done).toBe(1);
  });

  it('does a piece once more when it is asked for while it is under way: it may have looked already', async () => {
    const work = queue();
    let done = 0;
    const gate = Promise.withResolvers<void>();
    const piece = async () => {
      done++;
      await gate.promise;
    };
    for (let times = 0; times < 5; times++) work.add('a', piece);
    gate.resolve();
    await until(() => work.idle);
    expect(done).toBe(2);
  });

  it('tries again until it goes through', async () => {
    const work = queue();
    let tries = 0;
    work.add('a', async () => {
      if (++tries < 3) throw new Problem('service_unavailable');
    });
    await until(() => work.idle);
    expect(tries).toBe(3);
  });

  it('ends soon though a piece never goes through', async () => {
    const work = queue();
    let tries = 0;
    work.add('a', async () => {
      tries++;
      throw new Problem('service_unavailable');
    });
    await until(() => tries > 0);
    await work.close();
    work.add('b', async () => void tries++);
    expect([work.idle, tries]).toEqual([true, 1]);
  });
});
