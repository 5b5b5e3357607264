import { describe, expect, it } from '@jest/globals';
import { WrongRevision } from './event-store.ts';
import type { Expected, ForgettingEventStore, NewEvent } from './event-store.ts';
import { bodiesContract } from './bodies.contract.ts';
import { forgettingContract } from './forgetting.contract.ts';
import { subscriptionContract } from './subscription.contract.ts';
import { fresh, notes, useStore } from './use-store.ts';
import type { OpenStore } from './use-store.ts';

/** What every adapter promises, asked of the store itself. Call it at the top level of the adapter's spec. */
export function eventStoreContract(name: string, openStore: OpenStore<ForgettingEventStore>): void {
  describe(`${name} as an event store`, () => {
    describe('append', () => appendContract(openStore));
    describe('commits', () => commitContract(openStore));
    describe('read', () => readContract(openStore));
    describe('bounds', () => boundsContract(openStore));
    describe('bodies', () => bodiesContract(openStore));
    describe('subscribe', () => subscriptionContract(openStore));
    describe('forgetting', () => forgettingContract(openStore));
  });
}

function appendContract(openStore: OpenStore): void {
  const opened = useStore(openStore);

  it('returns position and revision of the last event', async () => {
    const { store } = opened;
    expect(await store.append('a-1', notes(1, 2), fresh('no_stream'))).toEqual({ position: 2, revision: 1, repeated: false });
    expect(await store.append('a-2', notes(3), fresh('no_stream'))).toEqual({ position: 3, revision: 0, repeated: false });
    expect(await store.append('a-1', notes(4), fresh(1))).toEqual({ position: 4, revision: 2, repeated: false });
    expect(await store.head()).toBe(4);
  });

  it.each<[Expected, 'unknown' | 'known', number]>([
    ['no_stream', 'known', 1], ['exists', 'unknown', -1], [0, 'unknown', -1], [0, 'known', 1], [2, 'known', 1],
  ])('refuses %p of a stream that is %s, and writes nothing', async (expected, stream, actual) => {
    const { store } = opened;
    await store.append('known', notes(1, 2), fresh());
    const error = await store.append(stream, notes(3), fresh(expected)).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(WrongRevision);
    expect(error).toMatchObject({ stream, expected, actual });
    expect(await store.head()).toBe(2);
    expect(await store.read(stream)).toHaveLength(actual + 1);
  });

  it.each<[Expected, 'unknown' | 'known']>([['no_stream', 'unknown'], ['exists', 'known'], [1, 'known'], ['any', 'unknown'], ['any', 'known']])(
    'takes %p of a stream that is %s',
    async (expected, stream) => {
      await opened.store.append('known', notes(1, 2), fresh());
      expect(await opened.store.append(stream, notes(3), fresh(expected))).toMatchObject({ position: 3, repeated: false });
    },
  );

  it('lets one of 100 racing writers through', async () => {
    const { store } = opened;
    await store.append('a-1', notes(0), fresh());
    const results = await Promise.allSettled(Array.from({ length: 100 }, (_, n) => store.append('a-1', notes(n), fresh(0))));
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    const errors = results.filter((result) => result.status === 'rejected').map((result) => result.reason as unknown);
    expect(errors.every((error) => error instanceof WrongRevision && error.actual === 1)).toBe(true);
    expect(await store.read('a-1')).toHaveLength(2);
  });

  it('lets one writer of two instances through, and the others of the same moment are not spoiled', async () => {
    const { store } = opened;
    const other = await opened.reopen();
    const racing = [store, other].map((each) => each.append('a-1', notes(1), fresh('no_stream')));
    const beside = [store, other].map((each, n) => each.append(`b-${n}`, notes(1), fresh('no_stream')));
    const results = await Promise.allSettled(racing);
    expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected']);
    const positions = (await Promise.all(beside)).map((result) => result.position);
    expect(new Set(positions).size).toBe(2);
    expect(await store.read('a-1')).toHaveLength(1);
  });

  it('keeps appends of the same turn whole and in order', async () => {
    const { store } = opened;
    await Promise.all(Array.from({ length: 300 }, (_, n) => store.append(`a-${n % 3}`, notes(n, n), fresh())));
    const events = await store.readAll();
    expect(events.map((event) => event.position)).toEqual(Array.from({ length: 600 }, (_, n) => n + 1));
    expect(events.map((event) => event.data)).toEqual(Array.from({ length: 600 }, (_, n) => ({ n: Math.floor(n / 2) })));
  });

  it('tells listeners of appends, but not of refused or repeated ones', async () => {
    const { store } = opened;
    const heard: number[] = [];
    const stop = store.onAppend((position) => heard.push(position));
    const options = fresh();
    await store.append('a-1', notes(1, 2), options);
    await store.append('a-1', notes(1, 2), options);
    await store.append('a-1', notes(3), fresh('no_stream')).catch(() => {});
    await store.append('a-1', notes(3), fresh());
    stop();
    await store.append('a-1', notes(4), fresh());
    expect(heard).toEqual([2, 3]);
  });
}

function commitContract(openStore: OpenStore): void {
  const opened = useStore(openStore);

  it('answers a retry with the first result, whatever is expected and written now', async () => {
    const { store } = opened;
    const options = fresh('no_stream');
    const first = await store.append('a-1', notes(1, 2), options);
    await store.append('a-1', notes(3), fresh());
    expect(await store.append('a-1', notes(1, 2), options)).toEqual({ ...first, repeated: true });
    expect(await store.append('a-1', notes(7, 8, 9), { ...options, expected: 77 })).toEqual({ ...first, repeated: true });
    expect((await store.read('a-1')).map((event) => event.data)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  });

  it('answers a retry of another instance and after reopening', async () => {
    const options = fresh('no_stream');
    const first = await opened.store.append('a-1', notes(1, 2), options);
    const other = await opened.reopen();
    expect(await other.append('a-1', notes(1, 2), options)).toEqual({ ...first, repeated: true });
    await Promise.all([opened.store.close(), other.close()]);
    const later = await opened.reopen();
    expect(await later.append('a-1', notes(1, 2), options)).toEqual({ ...first, repeated: true });
    expect(await later.head()).toBe(2);
  });

  it('writes a commit once when it is retried 50 times at the same moment', async () => {
    const { store } = opened;
    const options = fresh();
    const results = await Promise.all(Array.from({ length: 50 }, () => store.append('a-1', notes(1, 2), options)));
    expect(results.filter((result) => !result.repeated)).toHaveLength(1);
    expect(new Set(results.map((result) => result.position))).toEqual(new Set([2]));
    expect(await store.read('a-1')).toHaveLength(2);
  });

  it('takes the same commit id on another stream, with other event ids', async () => {
    const { store } = opened;
    const options = fresh('no_stream');
    await store.append('a-1', notes(1, 2), options);
    expect(await store.append('a-2', notes(1, 2), options)).toMatchObject({ repeated: false });
    expect(new Set((await store.readAll()).map((event) => event.id)).size).toBe(4);
  });

  it('finds a commit with its events, wherever it lies in the stream', async () => {
    const { store } = opened;
    const options = fresh();
    await store.append('a-1', notes(1, 2), fresh());
    await store.append('a-1', notes(3, 4, 5), options);
    await store.append('a-1', notes(6), fresh());
    const found = await store.findCommit('a-1', options.commitId);
    expect(found).toMatchObject({ position: 5, revision: 4 });
    expect(found!.events).toEqual(await store.read('a-1', { from: 2, limit: 3 }));
    expect(await store.findCommit('a-2', options.commitId)).toBeNull();
    expect(await store.findCommit('a-1', 'unknown')).toBeNull();
  });
}

function readContract(openStore: OpenStore): void {
  const opened = useStore(openStore);
  const numbers = async (read: Promise<{ data: object }[]>): Promise<number[]> => (await read).map((event) => (event.data as { n: number }).n);

  it('gives events as they were written, with all that belongs to them', async () => {
    const { store } = opened;
    const data = { text: 'ünï\u0000 "\u2028', list: [1, null, { deep: true }], big: 2 ** 53 - 1 };
    const before = Date.now();
    await store.append('a-1', [{ type: 'Said', v: 3, data }], { expected: 'any', commitId: 'c-1', requestId: 'r-1', causedBy: ['x', 'y'] });
    const [event] = await store.read('a-1');
    const recordedAt = Date.parse(event!.recorded_at);
    expect(event).toMatchObject({ position: 1, stream: 'a-1', revision: 0, type: 'Said', v: 3, data });
    expect(event!.metadata).toEqual({ commit_id: 'c-1', request_id: 'r-1', caused_by: ['x', 'y'] });
    expect(event!.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(recordedAt).toBeGreaterThanOrEqual(before);
    expect(recordedAt).toBeLessThanOrEqual(Date.now());
  });

  it('gives every reader data of its own', async () => {
    const { store } = opened;
    const data = { list: [1] };
    await store.append('a-1', [{ type: 'Said', v: 1, data }], fresh());
    data.list.push(2);
    const [event] = await store.read('a-1');
    (event!.data as typeof data).list.push(3);
    expect((await store.readAll())[0]!.data).toEqual({ list: [1] });
  });

  it('reads a stream from a revision, up to a limit, and backwards', async () => {
    const { store } = opened;
    await store.append('a-1', notes(0, 1, 2, 3, 4), fresh());
    await store.append('a-10', notes(9), fresh());
    expect(await numbers(store.read('a-1'))).toEqual([0, 1, 2, 3, 4]);
    expect(await numbers(store.read('a-1', { from: 3 }))).toEqual([3, 4]);
    expect(await numbers(store.read('a-1', { from: 1, limit: 2 }))).toEqual([1, 2]);
    expect(await numbers(store.read('a-1', { from: 5 }))).toEqual([]);
    expect(await numbers(store.read('a-1', { backwards: true }))).toEqual([4, 3, 2, 1, 0]);
    expect(await numbers(store.read('a-1', { backwards: true, limit: 1 }))).toEqual([4]);
    expect(await numbers(store.read('a-1', { backwards: true, from: 2, limit: 2 }))).toEqual([2, 1]);
    expect(await store.read('unknown')).toEqual([]);
  });

  it('reads at most 1,000 events unless asked for more', async () => {
    const { store } = opened;
    for (let n = 0; n < 2; n++) await store.append('a-1', notes(...Array(600).keys()), fresh());
    expect(await store.read('a-1')).toHaveLength(1_000);
    expect(await store.read('a-1', { limit: 10_000 })).toHaveLength(1_200);
    expect(await store.readAll()).toHaveLength(1_000);
    expect(await store.readAll({ limit: 1_100 })).toHaveLength(1_100);
  });

  it('reads the log by category and type, in order, after a position', async () => {
    const { store } = opened;
    const said = (n: number): NewEvent => ({ type: 'Said', v: 1, data: { n } });
    for (let n = 0; n < 20; n += 4) {
      await store.append('a-1', [...notes(n), said(n + 1)], fresh());
      await store.append('b-1', notes(n + 2), fresh());
      await store.append('abc', notes(n + 3), fresh());
    }
    expect(await numbers(store.readAll({ categories: ['a'] }))).toEqual([0, 1, 4, 5, 8, 9, 12, 13, 16, 17]);
    expect(await numbers(store.readAll({ categories: ['b', 'a', 'b'], after: 4 }))).toEqual([4, 5, 6, 8, 9, 10, 12, 13, 14, 16, 17, 18]);
    expect(await numbers(store.readAll({ types: ['Said'] }))).toEqual([1, 5, 9, 13, 17]);
    expect(await numbers(store.readAll({ types: ['Said', 'Noted'], categories: ['abc', 'a'], limit: 4 }))).toEqual([0, 1, 3, 4]);
    expect(await numbers(store.readAll({ types: ['Said'], categories: ['b'] }))).toEqual([]);
    expect(await numbers(store.readAll({ categories: [] }))).toEqual([]);
    expect(await numbers(store.readAll({ after: 18 }))).toEqual([18, 19]);
    expect(await numbers(store.readAll({ after: 999 }))).toEqual([]);
  });

  it('finds the one wanted event behind 12,000 others', async () => {
    const { store } = opened;
    for (let n = 0; n < 12; n++) await store.append('a-1', notes(...Array(1_000).keys()), fresh());
    await store.append('b-1', [{ type: 'Said', v: 1, data: { n: 7 } }], fresh());
    expect(await numbers(store.readAll({ types: ['Said'] }))).toEqual([7]);
    expect(await numbers(store.readAll({ categories: ['b'], limit: 1 }))).toEqual([7]);
  });
}

function boundsContract(openStore: OpenStore): void {
  const opened = useStore(openStore);
  const append = (stream: string, events: NewEvent[], commitId = 'c'): Promise<unknown> => opened.store.append(stream, events, { expected: 'any', commitId });
  const said = (data: object): NewEvent => ({ type: 'Said', v: 1, data });

  it('takes what lies on the bounds', async () => {
    await append('s'.repeat(200), notes(...Array(1_000).keys()), 'c'.repeat(200));
    await append('a-1', [said({ text: 'x'.repeat(1_048_576 - '{"text":""}'.length) })]);
    expect(await opened.store.readAll({ limit: 10_000 })).toHaveLength(1_001);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['no events', () => append('a-1', [])],
    ['1,001 events', () => append('a-1', notes(...Array(1_001).keys()))],
    ['an event over 1 MiB', () => append('a-1', [said({ text: 'x'.repeat(1_048_576) })])],
    ['an event over 1 MiB in UTF-8', () => append('a-1', [said({ text: 'ü'.repeat(600_000) })])],
    ['a body over 1 MiB', () => append('a-1', [{ type: 'Said', v: 1, data: {}, body: Buffer.alloc(1_048_577) }])],
    ['an empty commit id', () => append('a-1', notes(1), '')],
    ['a commit id of 201 characters', () => append('a-1', notes(1), 'c'.repeat(201))],
    ['an empty stream name', () => append('', notes(1))],
    ['a stream name with a line break', () => append('a-\n', notes(1))],
    ['a stream name that is not Unicode', () => append('a-\ud800', notes(1))],
    ['version 0', () => append('a-1', [{ type: 'Said', v: 0, data: {} }])],
    ['a negative revision', () => opened.store.append('a-1', notes(1), { expected: -1, commitId: 'c' })],
    ['limit 0', () => opened.store.read('a-1', { limit: 0 })],
    ['limit 10,001', () => opened.store.readAll({ limit: 10_001 })],
    ['a start below 0', () => opened.store.read('a-1', { from: -1 })],
    ['a position that is not whole', () => opened.store.readAll({ after: 1.5 })],
    ['a subscription after no number', async () => opened.store.subscribe({ after: Number.NaN }, () => {})],
  ])('refuses %s', async (_, act) => {
    await expect(act()).rejects.toThrow(RangeError);
    expect(await opened.store.head()).toBe(0);
  });

  it('refuses everything after close, and closes twice', async () => {
    const { store } = opened;
    const writing = store.append('a-1', notes(1), fresh());
    await Promise.all([store.close(), store.close()]);
    expect(await writing).toMatchObject({ position: 1 });
    await expect(store.append('a-1', notes(1), fresh())).rejects.toThrow('closed');
    await expect(store.read('a-1')).rejects.toThrow('closed');
    expect(() => store.subscribe({}, () => {})).toThrow('closed');
    expect(await (await opened.reopen()).head()).toBe(1);
  });
}
