import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { outputStream } from '@kgpu/contracts';
import { MemoryEventStore, WrongRevision } from '@kgpu/event-store';
import { bytesOf, outputEnd, outputTail, type Chunk } from './output-log.ts';
import { OutputWriter } from './output-writer.ts';

const runId = 'run-1-260517010000-0a0b0c0d';
let store: MemoryEventStore;
beforeEach(() => {
  store = new MemoryEventStore();
});
afterEach(() => store.close());

const writer = async () => new OutputWriter(store, runId, 'stdout', await outputEnd(store, runId, 'stdout'));
const chunks = async () => (await store.read(outputStream(runId, 'stdout'), { limit: 10_000 })).map(({ data }) => data as Chunk);
const parts = async () => (await store.read(outputStream(runId, 'stdout'), { limit: 10_000 })).map(bytesOf);
const recorded = async () => Buffer.concat(await parts());

describe('the output writer', () => {
  it('records the first bytes at once and gathers those that follow quickly', async () => {
    const out = await writer();
    await out.push(0, Buffer.from('a'));
    expect(await chunks()).toHaveLength(1);
    await out.push(1, Buffer.from('b'));
    await out.push(2, Buffer.from('c'));
    await out.flush();
    expect((await chunks()).map(({ offset }) => offset)).toEqual([0, 1]);
    expect((await parts()).map(String)).toEqual(['a', 'bc']);
  });

  it('keeps any bytes as they are, in chunks that begin where the one before ended', async () => {
    const out = await writer();
    const bytes = randomBytes(300_000);
    for (let offset = 0; offset < bytes.length; offset += 7_001) await out.push(offset, bytes.subarray(offset, offset + 7_001));
    await out.flush();
    expect((await recorded()).equals(bytes)).toBe(true);
    let next = 0;
    for (const { offset, bytes: length } of await chunks()) {
      expect(offset).toBe(next);
      next += length;
    }
  });

  it('takes what is larger than a commit, and has done with lent bytes when it says so', async () => {
    const out = await writer();
    const bytes = randomBytes(5_000_000);
    const lent = Buffer.from(bytes);
    await out.push(0, lent.subarray(0, 4_000_000));
    lent.fill(0, 0, 4_000_000);
    for (let offset = 4_000_000; offset < bytes.length; offset += 50_000) {
      await out.push(offset, lent.subarray(offset, offset + 50_000));
      lent.fill(0, offset, offset + 50_000);
    }
    await out.flush();
    expect((await recorded()).equals(bytes)).toBe(true);
    expect(Math.max(...(await chunks()).map((chunk) => chunk.bytes))).toBe(65_536);
  });

  it('holds back who pushes faster than the record takes it', async () => {
    const slow = Promise.withResolvers<void>();
    const append = store.append.bind(store);
    store.append = async (...given) => {
      await slow.promise;
      return append(...given);
    };
    const out = await writer();
    const bytes = randomBytes(1_000_000);
    let taken = 0;
    let held: void | Promise<void>;
    while ((held = out.push(taken, bytes)) === undefined) taken += bytes.length;
    expect(taken).toBeLessThanOrEqual(2 * 2_097_152);
    slow.resolve();
    await held;
    await out.flush();
    expect((await recorded()).length).toBe(taken + bytes.length);
  });

  it('goes on where another one stopped, and loses against one that was faster', async () => {
    const first = await writer();
    const second = await writer();
    await first.push(0, Buffer.from('one '));
    await first.flush();
    await second.push(0, Buffer.from('one and more'));
    await expect(second.flush()).rejects.toThrow(WrongRevision);
    expect(() => second.push(12, Buffer.from('again'))).toThrow(WrongRevision);
    const third = await writer();
    expect(third.end).toBe(4);
    await third.push(4, Buffer.from('two'));
    await third.flush();
    expect(String(await recorded())).toBe('one two');
  });

  it('stays true to the offsets over a gap', async () => {
    const out = await writer();
    await out.push(0, Buffer.from('a'));
    await out.push(1_000, Buffer.from('z'));
    await out.flush();
    expect((await chunks()).map(({ offset }) => offset)).toEqual([0, 1_000]);
  });
});

describe('the tail of an output', () => {
  it('is the last bytes as whole characters', async () => {
    const out = await writer();
    await out.push(0, Buffer.from('ééé'));
    await out.flush();
    expect(await outputTail(store, runId, 'stdout', 3)).toEqual({ text: 'é', end: 6, isIncomplete: false });
    expect(await outputTail(store, runId, 'stderr', 3)).toEqual({ text: '', end: 0, isIncomplete: false });
  });

  it('reaches over many small chunks', async () => {
    const out = await writer();
    for (let n = 0; n < 200; n++) {
      await out.push(n, Buffer.from('x'));
      await out.flush();
    }
    expect((await outputTail(store, runId, 'stdout', 150)).text).toBe('x'.repeat(150));
  });
});
