import { expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import type { RecordedEvent } from './event-store.ts';
import { fresh, notes, useStore } from './use-store.ts';
import type { OpenStore } from './use-store.ts';

/** Cases of `subscribe`. Instances are opened with the default poll of 1 s, so that waking shows. */
export function subscriptionContract(openStore: OpenStore): void {
  const opened = useStore(openStore);
  const positionsOf = (events: RecordedEvent[]): number[] => events.map((event) => event.position);

  it('handles old and new events once, in order', async () => {
    const { store } = opened;
    for (let n = 0; n < 3; n++) await store.append('a-1', notes(...Array(400).keys()), fresh());
    const seen: RecordedEvent[] = [];
    const subscription = store.subscribe({}, (event) => void seen.push(event));
    await subscription.caughtUp;
    expect(seen).toHaveLength(1_200);
    for (let n = 0; n < 50; n++) void store.append(`b-${n}`, notes(n), fresh());
    await subscription.reached(1_250);
    expect(seen).toEqual(await store.readAll({ limit: 10_000 }));
  });

  it('resumes in the middle', async () => {
    const { store } = opened;
    await store.append('a-1', notes(0, 1, 2, 3), fresh());
    const first: RecordedEvent[] = [];
    const subscription = store.subscribe({}, async (event) => {
      first.push(event);
      if (event.position === 2) void subscription.stop();
    });
    await expect(subscription.reached(4)).rejects.toThrow('stopped');
    await subscription.stop();
    const second: RecordedEvent[] = [];
    const resumed = store.subscribe({ after: subscription.position }, (event) => void second.push(event));
    await resumed.caughtUp;
    expect([positionsOf(first), positionsOf(second)]).toEqual([[1, 2], [3, 4]]);
  });

  it('filters by category and type, and moves over what it leaves out', async () => {
    const { store } = opened;
    const seen: RecordedEvent[] = [];
    const subscription = store.subscribe({ categories: ['a', 'c'], types: ['Said', 'Noted'] }, (event) => void seen.push(event));
    await store.append('a-1', [...notes(1), { type: 'Other', v: 1, data: {} }], fresh());
    await store.append('b-1', notes(2), fresh());
    await store.append('c-1', notes(3), fresh());
    await store.append('b-1', notes(4), fresh());
    await subscription.reached(5);
    expect(subscription.position).toBe(5);
    expect(seen.map((event) => event.stream)).toEqual(['a-1', 'c-1']);
  });

  it('tells of events without their data, where that is enough', async () => {
    const { store } = opened;
    await store.append('a-1', notes(1, 2), fresh());
    const seen: [string, number][] = [];
    await store.subscribe({ categories: ['a'], withoutData: true }, ({ stream, position }) => void seen.push([stream, position])).caughtUp;
    expect(seen).toEqual([['a-1', 1], ['a-1', 2]]);
  });

  it('catches up with a log in which it wants nothing', async () => {
    const { store } = opened;
    await store.append('b-1', notes(2), fresh());
    const subscription = store.subscribe({ categories: ['a'] }, () => {});
    await subscription.caughtUp;
    expect(subscription.position).toBe(1);
    await store.append('b-1', notes(3), fresh());
    await subscription.reached(2);
  });

  it('is caught up at once with an empty log', async () => {
    const subscription = opened.store.subscribe({}, () => {});
    await subscription.caughtUp;
    expect(subscription.position).toBe(0);
  });

  it('waits for a slow handler: one event at a time', async () => {
    const { store } = opened;
    const seen: number[] = [];
    let running = 0;
    const subscription = store.subscribe({}, async (event) => {
      expect(++running).toBe(1);
      await delay(1);
      seen.push(event.position);
      running--;
    });
    for (let n = 0; n < 20; n++) await store.append('a-1', notes(n), fresh());
    await subscription.reached(20);
    expect(seen).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
    expect(subscription.halted).toBeNull();
  });

  it.each([['throws', () => { throw new Error('cannot'); }], ['rejects', () => Promise.reject(new Error('cannot'))]])(
    'halts when the handler %s, and handles nothing after it',
    async (_, fail) => {
      const { store } = opened;
      await store.append('a-1', notes(0, 1, 2), fresh());
      const seen: number[] = [];
      const subscription = store.subscribe({}, (event) => {
        seen.push(event.position);
        return event.position === 2 ? fail() : undefined;
      });
      await expect(subscription.caughtUp).rejects.toThrow('cannot');
      await expect(subscription.reached(3)).rejects.toThrow('cannot');
      await store.append('a-1', notes(3), fresh());
      expect(subscription.halted?.message).toBe('cannot');
      expect([subscription.position, seen]).toEqual([1, [1, 2]]);
      await subscription.reached(1);
      await subscription.stop();
    },
  );

  it.each([['whole log', {}], ['category', { categories: ['a'] }]])('halts at a gap in a stream of the %s', async (_, filter) => {
    const { store } = opened;
    await store.append('a-1', notes(0, 1, 2), fresh());
    await store.append('a-2', notes(3), fresh());
    await opened.lose('a-1', 1);
    const seen: number[] = [];
    const subscription = store.subscribe(filter, (event) => void seen.push(event.position));
    await expect(subscription.caughtUp).rejects.toThrow('a-1 has revision 2 at position 3 where 1 belongs');
    expect(seen).toEqual([1]);
  });

  it('halts at a stream that has lost its beginning', async () => {
    const { store } = opened;
    await store.append('a-1', notes(0, 1), fresh());
    await opened.lose('a-1', 0);
    await expect(store.subscribe({}, () => {}).caughtUp).rejects.toThrow('a-1 has revision 1');
  });

  it('sees no gap where a filter by type or its start in the middle leaves events out', async () => {
    const { store } = opened;
    await store.append('a-1', [...notes(0), { type: 'Said', v: 1, data: {} }, ...notes(1)], fresh());
    await store.subscribe({ types: ['Noted'] }, () => {}).caughtUp;
    await store.subscribe({ after: 1 }, () => {}).caughtUp;
  });

  it('is woken by a hint about what another instance appended, and polls without one', async () => {
    const other = await opened.reopen();
    const seen: number[] = [];
    const subscription = other.subscribe({}, (event) => void seen.push(event.position));
    await subscription.caughtUp;
    await delay(20);
    opened.store.onAppend(() => other.wake());
    const appended = performance.now();
    await opened.store.append('a-1', notes(1), fresh());
    await subscription.reached(1);
    expect(performance.now() - appended).toBeLessThan(900);
    const quiet = await opened.reopen();
    await quiet.append('a-1', notes(2), fresh());
    await subscription.reached(2, AbortSignal.timeout(5_000));
    expect(seen).toEqual([1, 2]);
  });

  it('stops after the event that is being handled', async () => {
    const { store } = opened;
    await store.append('a-1', notes(0, 1, 2), fresh());
    const { promise: handling, resolve: started } = Promise.withResolvers<void>();
    const { promise: goOn, resolve: finish } = Promise.withResolvers<void>();
    const seen: number[] = [];
    const subscription = store.subscribe({}, async (event) => {
      started();
      await goOn;
      seen.push(event.position);
    });
    await handling;
    let closed = false;
    const closing = store.close().then(() => (closed = true));
    await delay(5);
    expect(closed).toBe(false);
    finish();
    await closing;
    expect([seen, subscription.position]).toEqual([[1], 1]);
  });

  it('gives up waiting for a position when the signal says so', async () => {
    const subscription = opened.store.subscribe({}, () => {});
    const late = new Error('too late');
    const waiting = new AbortController();
    const reached = subscription.reached(1, waiting.signal);
    waiting.abort(late);
    await expect(reached).rejects.toBe(late);
    await expect(subscription.reached(1, AbortSignal.abort(late))).rejects.toBe(late);
  });

  it('lets other work run while it catches up', async () => {
    const { store } = opened;
    for (let n = 0; n < 3; n++) await store.append('a-1', notes(...Array(1_000).keys()), fresh());
    let turns = 0;
    const tick = (): void => {
      turns++;
      next = setImmediate(tick);
    };
    let next = setImmediate(tick);
    await store.subscribe({}, () => {}).caughtUp;
    clearImmediate(next);
    expect(turns).toBeGreaterThanOrEqual(5);
  });
}
