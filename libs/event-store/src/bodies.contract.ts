import { expect, it } from '@jest/globals';
import { hash, randomBytes } from 'node:crypto';
import type { ForgettingEventStore, NewEvent, RecordedEvent } from './event-store.ts';
import { fresh, notes, useStore } from './use-store.ts';
import type { OpenStore } from './use-store.ts';

const sizes = [0, 1, 65_536, 1_048_576];

export function withBody(body: Uint8Array): NewEvent {
  return { type: 'Written', v: 1, data: { bytes: body.length }, body };
}

/** What is long is compared by its hash: a test that fails shall say so in one line. */
function digest(body: Uint8Array): string {
  return `${body.length} ${hash('sha1', body)}`;
}

/** Cases of events with bodies. */
export function bodiesContract(openStore: OpenStore<ForgettingEventStore>): void {
  const opened = useStore(openStore);
  const bodiesOf = (events: RecordedEvent[]) => events.map(({ body }) => body && digest(body));

  it('keeps bodies byte for byte, small and large, beside events that have none', async () => {
    const { store } = opened;
    const bodies = sizes.map((size) => randomBytes(size));
    await store.append('a-1', [notes(1)[0]!, ...bodies.map(withBody), notes(2)[0]!], fresh());
    for (const body of bodies) await store.append('a-2', [withBody(body)], fresh());
    await store.close();
    const reopened = await opened.reopen();
    expect(bodiesOf(await reopened.read('a-1'))).toEqual([undefined, ...bodies.map(digest), undefined]);
    expect(bodiesOf(await reopened.read('a-2', { backwards: true }))).toEqual(bodies.toReversed().map(digest));
    expect(bodiesOf(await reopened.readAll({ types: ['Written'] }))).toEqual([...bodies, ...bodies].map(digest));
  });

  it('has done with the bytes it was lent when the append has settled', async () => {
    const { store } = opened;
    const lent = [Buffer.alloc(10, 'a'), Buffer.alloc(100_000, 'a')];
    for (const body of lent) {
      await store.append('a-1', [withBody(body)], fresh());
      body.fill('b');
    }
    expect(bodiesOf(await store.read('a-1'))).toEqual([Buffer.alloc(10, 'a'), Buffer.alloc(100_000, 'a')].map(digest));
  });

  it('leaves them out when they are not wanted', async () => {
    const { store } = opened;
    await store.append('a-1', [withBody(randomBytes(100_000)), withBody(randomBytes(10))], fresh());
    const events = await store.read('a-1', { withoutBodies: true });
    expect(events.map(({ data, body }) => [data, body])).toEqual([[{ bytes: 100_000 }, undefined], [{ bytes: 10 }, undefined]]);
  });

  it('are whole also where the reader gave memory for them, too little or enough', async () => {
    const { store } = opened;
    const bodies = [randomBytes(60_000), randomBytes(90_000), randomBytes(10), randomBytes(80_000)];
    await store.append('a-1', bodies.map(withBody), fresh());
    for (const into of [Buffer.alloc(5), Buffer.alloc(200_000)]) {
      for (const [from, body] of bodies.entries()) expect(bodiesOf(await store.read('a-1', { from, limit: 1, into }))).toEqual([digest(body)]);
      expect(bodiesOf(await store.read('a-1', { into }))).toEqual(bodies.map(digest));
    }
  });

  it('answers the repeat of a commit with its bodies', async () => {
    const { store } = opened;
    const body = randomBytes(100_000);
    const options = fresh();
    await store.append('a-1', [withBody(body)], options);
    expect(await store.append('a-1', [withBody(randomBytes(100_000))], options)).toMatchObject({ revision: 0, repeated: true });
    expect(bodiesOf((await store.findCommit('a-1', options.commitId))!.events)).toEqual([digest(body)]);
  });

  it('keeps bodies of appends at the same time apart', async () => {
    const { store } = opened;
    const other = await opened.reopen();
    const bodies = Array.from({ length: 40 }, (_, n) => Buffer.alloc(40_000 + n, n));
    const results = await Promise.all(bodies.map((body, n) => (n % 2 ? store : other).append('a-1', [withBody(body)], fresh())));
    const events = await store.read('a-1');
    for (const [n, { revision }] of results.entries()) expect(events[revision]!.body!.equals(bodies[n]!)).toBe(true);
  });

  it('keeps the bodies that are left when others are truncated, deleted and expired', async () => {
    const { store } = opened;
    const bodies = Array.from({ length: 40 }, () => randomBytes(1_000_000));
    for (const body of bodies) await store.append('a-1', [withBody(body)], fresh());
    for (const stream of ['b-1', 'c-1', 'd-1']) await store.append(stream, [withBody(bodies[0]!)], fresh());
    await store.truncate('a-1', 25);
    await store.deleteStream('b-1');
    await store.expire('c', new Date(Date.now() + 1_000), 10);
    expect(bodiesOf(await store.read('a-1'))).toEqual(bodies.slice(25).map(digest));
    await store.append('a-1', [withBody(bodies[0]!)], fresh(39));
    expect(bodiesOf(await store.read('a-1', { from: 40 }))).toEqual([digest(bodies[0]!)]);
    expect(bodiesOf(await store.read('d-1'))).toEqual([digest(bodies[0]!)]);
    expect(await store.read('b-1')).toEqual([]);
    await store.append('b-1', [withBody(bodies[1]!)], fresh('no_stream'));
    expect(bodiesOf(await store.read('b-1'))).toEqual([digest(bodies[1]!)]);
  });
}
