import { expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import type { ForgettingEventStore } from './event-store.ts';
import { fresh, notes, useStore } from './use-store.ts';
import type { OpenStore } from './use-store.ts';

/** Cases of `deleteStream` and `expire`. */
export function forgettingContract(openStore: OpenStore<ForgettingEventStore>): void {
  const opened = useStore(openStore);

  it('deletes a stream with its commits, once, and no other', async () => {
    const { store } = opened;
    const options = fresh();
    await store.append('a-1', notes(1, 2), options);
    await store.append('a-10', notes(3), fresh());
    await store.deleteStream('a-1');
    await store.deleteStream('a-1');
    await store.deleteStream('unknown');
    expect(await store.read('a-1')).toEqual([]);
    expect(await store.findCommit('a-1', options.commitId)).toBeNull();
    expect((await store.readAll()).map((event) => event.stream)).toEqual(['a-10']);
  });

  it('never gives out a position again', async () => {
    await opened.store.append('a-1', notes(1, 2), fresh());
    await opened.store.deleteStream('a-1');
    await opened.store.close();
    const store = await opened.reopen();
    expect(await store.head()).toBe(2);
    expect(await store.append('a-2', notes(3), fresh())).toMatchObject({ position: 3 });
  });

  it('lets subscriptions go on over what was deleted', async () => {
    const { store } = opened;
    const seen: string[] = [];
    const following = store.subscribe({}, (event) => void seen.push(event.stream));
    await store.append('a-1', notes(1, 2), fresh());
    await following.reached(2);
    await store.deleteStream('a-1');
    await store.append('a-1', notes(3), fresh());
    await store.append('b-1', notes(4), fresh());
    await following.reached(4);
    expect(seen).toEqual(['a-1', 'a-1', 'a-1', 'b-1']);
    await store.deleteStream('b-1');
    await store.subscribe({}, () => {}).reached(4);
  });

  it('expires streams by their last event, of one category, up to a limit', async () => {
    const { store } = opened;
    for (const stream of ['old-1', 'old-2', 'old-3', 'alive-1', 'alive-2']) await store.append(stream, notes(1), fresh());
    await store.append('old-1', notes(2), fresh());
    await delay(5);
    const before = new Date();
    await delay(5);
    await store.append('old-2', notes(2), fresh());
    expect(await store.expire('old', before, 1)).toBe(1);
    expect(await store.expire('old', before, 10)).toBe(1);
    expect(await store.expire('old', before, 10)).toBe(0);
    const left = new Set((await store.readAll()).map((event) => event.stream));
    expect(left).toEqual(new Set(['old-2', 'alive-1', 'alive-2']));
  });

  it('takes away the beginning of a stream, which then goes on as if nothing had been', async () => {
    const { store } = opened;
    const commits = [fresh(), fresh(), fresh()];
    for (const [n, options] of commits.entries()) await store.append('a-1', notes(n), options);
    await store.append('a-10', notes(9), fresh());
    await store.truncate('a-1', 2);
    await store.truncate('a-1', 1);
    await store.truncate('unknown', 5);
    expect((await store.read('a-1')).map(({ revision, position }) => [revision, position])).toEqual([[2, 3]]);
    expect(await store.read('a-1', { backwards: true, from: 1 })).toEqual([]);
    expect(await store.read('a-10')).toHaveLength(1);
    expect(await store.findCommit('a-1', commits[1]!.commitId)).toBeNull();
    expect((await store.findCommit('a-1', commits[2]!.commitId))?.revision).toBe(2);
    expect(await store.append('a-1', notes(3), { expected: 2, commitId: 'next' })).toMatchObject({ revision: 3, repeated: false });
    expect((await store.readAll()).map(({ stream, revision }) => `${stream} ${revision}`)).toEqual(['a-1 2', 'a-10 0', 'a-1 3']);
  });

  it('never truncates the last event, and is gone on from there after a reopening', async () => {
    await opened.store.append('a-1', notes(1, 2), fresh());
    await opened.store.truncate('a-1', 99);
    await opened.store.close();
    const store = await opened.reopen();
    expect((await store.read('a-1')).map(({ revision }) => revision)).toEqual([1]);
    expect(await store.append('a-1', notes(3), { expected: 1, commitId: 'next' })).toMatchObject({ revision: 2 });
  });

  it('follows what is truncated by types', async () => {
    const { store } = opened;
    await store.append('a-1', notes(1, 2, 3), fresh());
    await store.truncate('a-1', 2);
    const seen: number[] = [];
    await store.subscribe({ types: ['Noted'] }, ({ revision }) => void seen.push(revision)).caughtUp;
    expect(seen).toEqual([2]);
  });

  it('expires a truncated stream like any other', async () => {
    const { store } = opened;
    await store.append('old-1', notes(1, 2, 3), fresh());
    await store.append('older-1', notes(1), fresh());
    await store.truncate('old-1', 2);
    expect(await store.expire('old', new Date(Date.now() + 1_000), 10)).toBe(1);
    expect((await store.readAll()).map(({ stream }) => stream)).toEqual(['older-1']);
  });

  it('refuses a limit out of bounds', async () => {
    await expect(opened.store.expire('a', new Date(), 0)).rejects.toThrow(RangeError);
  });
}
