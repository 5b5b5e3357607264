import { afterEach, expect, it } from '@jest/globals';
import { eventCodec } from '@kgpu/contracts';
import { MemoryEventStore } from '@kgpu/event-store';
import { ReadMemory } from './read-memory.ts';
import { RunLog } from './run-log.ts';
import { RunNews } from './run-news.ts';

const CHUNK = 65_536;
const taken: ReadMemory[] = [];
afterEach(() => {
  for (const memory of taken.splice(0)) memory.letGo();
});

/** How many chunks a reader that has seen a whole one reads at once. */
function newReader(): number {
  const memory = new ReadMemory();
  taken.push(memory);
  memory.seen(CHUNK);
  return memory.forNext.limit;
}

it('is none for small chunks', () => {
  const memory = new ReadMemory();
  memory.seen(100);
  expect(memory.forNext).toEqual({ limit: 1 });
});

it('has room for several chunks while not many readers have so much, and for one after that', () => {
  expect(Array.from({ length: 40 }, newReader)).toEqual([...Array<number>(32).fill(4), ...Array<number>(8).fill(1)]);
  taken[39]!.letGo(); // a small one
  expect(newReader()).toBe(1);
  taken[0]!.letGo();
  taken[0]!.letGo();
  expect([newReader(), newReader()]).toEqual([4, 1]);
});

it('is given back by whoever stops reading in the middle', async () => {
  const [facts, output] = [new MemoryEventStore(), new MemoryEventStore()];
  const news = new RunNews(facts, output);
  const chunks = Array.from({ length: 9 }, (_, n) => eventCodec.encode({
    type: 'OutputWritten', data: { stream: 'stdout', offset: n * CHUNK, bytes: CHUNK, skipped: 0 }, body: Buffer.alloc(CHUNK, n),
  }));
  await output.append('runoutput-run-1.stdout', chunks, { expected: 'no_stream', commitId: 'c' });
  for (let n = 0; n < 40; n++) {
    let read = 0;
    for await (const bytes of new RunLog(facts, output, news).bytes('run-1', 'both', { from: null, to: null, follow: false }, new AbortController().signal)) {
      expect(bytes.equals(Buffer.alloc(CHUNK, read))).toBe(true);
      if (++read === 6) break;
    }
  }
  expect(newReader()).toBe(4);
  for (const each of [news, facts, output]) await each.close();
});
