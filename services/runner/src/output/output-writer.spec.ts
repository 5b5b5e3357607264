import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryEventStore, WrongRevision } from '@kgpu/event-store';
import { bytesOf, outputEnd, outputStream, outputTail, type Chunk } from './output-log.ts';
import { incompleteTail, OutputWriter } from './output-writer.ts';

const runId = 'run-1-260517010000-0a0b0c0d';
let store: MemoryEventStore;
beforeEach(() => {
  store = new MemoryEventStore();
});
afterEach(() => store.close());

const writer = async () => new OutputWriter(store, runId, 'stdout', await outputEnd(store, runId, 'stdout'));
const chunks = async () => (await store.read(outputStream(runId, 'stdout'), { limit: 10_000 })).map(({ data }) => data as Chunk);
const recorded = async () => Buffer.concat((await chunks()).map(bytesOf));

describe('the output writer', () => {
  it('records the first bytes at once and gathers those that follow quickly', async () => {
    const out = await writer();
    await out.push(0, Buffer.from('a'));
    expect(await chunks()).toHaveLength(1);
    await out.push(1, Buffer.from('b'));
    await out.push(2, Buffer.from('c'));
    await out.flush();
    expect((await chunks()).map(({ offset, text }) => [offset, text])).toEqual([[0, 'a'], [1, 'bc']]);
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

  it('never cuts a character in two while more may come', async () => {
    const out = await writer();
    const text = Buffer.from('ab😀é');
    for (let n = 0; n < text.length; n++) await out.push(n, text.subarray(n, n + 1));
    await out.flush();
    expect((await chunks()).map((chunk) => chunk.text).join('')).toBe('ab😀é');
  });

  it('cuts what came at once into chunks that are text each, between characters', async () => {
    const out = await writer();
    await out.push(0, Buffer.from('€'.repeat(100_000)));
    await out.flush();
    const all = await chunks();
    expect(all.length).toBeGreaterThan(4);
    for (const { bytes, text } of all) expect([bytes <= 65_536, text?.replaceAll('€', '')]).toEqual([true, '']);
    expect((await recorded()).toString()).toBe('€'.repeat(100_000));
  });

  it('goes on where another one stopped, and loses against one that was faster', async () => {
    const first = await writer();
    const second = await writer();
    await first.push(0, Buffer.from('one '));
    await first.flush();
    await second.push(0, Buffer.from('one and more'));
    await expect(second.flush()).rejects.toThrow(WrongRevision);
    await expect(second.push(12, Buffer.from('again'))).rejects.toThrow(WrongRevision);
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

describe('an incomplete tail', () => {
  it('is counted for characters of two, three and four bytes', () => {
    expect(['é', '€', '😀'].map((character) => incompleteTail(Buffer.from(character).subarray(0, -1)))).toEqual([1, 2, 3]);
    expect(incompleteTail(Buffer.from('é'))).toBe(0);
    expect(incompleteTail(Buffer.from([0x80, 0x80, 0x80, 0x80]))).toBe(0);
  });
});
