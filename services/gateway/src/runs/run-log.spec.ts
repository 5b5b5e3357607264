import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventCodec, outputStream, type OutputChannel } from '@kgpu/contracts';
import { MemoryEventStore } from '@kgpu/event-store';
import { RunLog, type LogStream } from './run-log.ts';
import { RunNews } from './run-news.ts';

const runId = 'run-1-260517010000-0a0b0c0d';
const stream = (channel: OutputChannel) => outputStream(runId, channel);
let facts: MemoryEventStore;
let output: MemoryEventStore;
let news: RunNews;
let log: RunLog;
let ends: Record<OutputChannel, { offset: number; skipped: number }>;
beforeEach(() => {
  [facts, output] = [new MemoryEventStore(), new MemoryEventStore()];
  news = new RunNews(facts, output);
  log = new RunLog(facts, output, news);
  ends = { stdout: { offset: 0, skipped: 0 }, stderr: { offset: 0, skipped: 0 } };
});
afterEach(async () => {
  await news.close();
  await facts.close();
  await output.close();
});

async function write(channel: OutputChannel, text: string, skip = 0): Promise<void> {
  const end = ends[channel];
  end.offset += skip;
  end.skipped += skip;
  const data = { stream: channel, offset: end.offset, bytes: text.length, skipped: end.skipped };
  await output.append(stream(channel), [eventCodec.encode({ type: 'OutputWritten', data, body: Buffer.from(text) })], { expected: 'any', commitId: `${channel}-${end.offset}` });
  end.offset += text.length;
}

async function read(from: number | null, to: number | null, which: LogStream = 'both', more: () => Promise<void> = async () => {}): Promise<string> {
  let text = '';
  for await (const bytes of log.bytes(runId, which, { from, to, follow: false }, new AbortController().signal)) {
    text += bytes.toString();
    await more();
  }
  return text;
}

/** Both channels, taking turns of different lengths: as many pieces of stdout as there are letters. */
async function writeMany(pieces = 20): Promise<string> {
  let all = '';
  for (let n = 0; n < pieces; n++) {
    const out = String.fromCharCode(97 + n).repeat(1 + (n % 3));
    await write('stdout', out);
    all += out;
    if (n % 4 !== 1) continue;
    const err = String(n % 10).repeat(2);
    await write('stderr', err);
    all += err;
  }
  return all;
}

describe('the bytes of both channels', () => {
  it('are the same from every place to every other', async () => {
    const all = await writeMany();
    expect(await log.extent(runId, 'both')).toEqual({ begin: 0, end: all.length, size: all.length, hasGaps: false });
    for (let from = 0; from < all.length; from += 3) {
      for (let to = from + 1; to <= all.length; to += 5) expect(await read(from, to)).toBe(all.slice(from, to));
    }
  });

  it('stay at their places when the oldest of one channel were taken away', async () => {
    const all = await writeMany();
    for (const revision of [1, 7, 13]) {
      await output.truncate(stream('stdout'), revision);
      const { begin, end } = await log.extent(runId, 'both');
      expect(end).toBe(all.length);
      expect(begin).toBeGreaterThan(0);
      for (let from = begin; from < end; from++) expect(await read(from, end)).toBe(all.slice(from));
    }
    // Without a range: also what is older and still there.
    expect(await read(null, null)).toContain('11');
  });

  it('are found where only one channel has any', async () => {
    for (const text of ['ab', 'cd', 'ef']) await write('stderr', text);
    expect(await read(3, 6)).toBe('def');
    expect(await read(9, 12)).toBe('');
    expect(await log.extent(runId, 'stdout')).toEqual({ begin: 0, end: 0, size: 0, hasGaps: false });
  });
});

describe('the bytes of a channel', () => {
  it('are at their offsets, though the oldest were taken away', async () => {
    for (const text of ['ab', 'cd', 'ef']) await write('stdout', text);
    await output.truncate(stream('stdout'), 1);
    expect(await log.extent(runId, 'stdout')).toEqual({ begin: 2, end: 6, size: 6, hasGaps: false });
    expect(await read(3, 6, 'stdout')).toBe('def');
    expect(await read(null, null, 'stdout')).toBe('cdef');
    await expect(read(1, 6, 'stdout')).rejects.toThrow();
  });

  it('are cut off, not put together wrongly, when they are taken away from under a reader', async () => {
    for (let n = 0; n < 6; n++) await write('stdout', String(n));
    await expect(read(0, 6, 'stdout', () => output.truncate(stream('stdout'), 4))).rejects.toThrow();
    await expect(read(null, null, 'both', () => output.truncate(stream('stdout'), 5))).resolves.toBe('45');
  });

  it('that never came on record are left out of the whole, and end a range', async () => {
    await write('stdout', 'ab');
    await write('stdout', 'cd');
    await write('stdout', 'ef', 10);
    await write('stdout', 'gh');
    expect(await log.extent(runId, 'stdout')).toEqual({ begin: 0, end: 18, size: 18, hasGaps: true });
    expect(await read(null, null, 'stdout')).toBe('abcdefgh');
    const stretch = (from: number) => log.extent(runId, 'stdout', { from, to: null });
    expect(await stretch(1)).toEqual({ begin: 1, end: 4, size: 18, hasGaps: false });
    expect(await stretch(4)).toEqual({ begin: 14, end: 18, size: 18, hasGaps: false });
    expect(await stretch(9)).toEqual({ begin: 14, end: 18, size: 18, hasGaps: false });
    expect(await stretch(17)).toEqual({ begin: 17, end: 18, size: 18, hasGaps: false });
    expect(await log.extent(runId, 'stdout', { last: 3 })).toEqual({ begin: 15, end: 18, size: 18, hasGaps: false });
    expect(await read(1, 4, 'stdout')).toBe('bcd');
    expect(await read(15, 18, 'stdout')).toBe('fgh');
    await expect(read(1, 18, 'stdout')).rejects.toThrow();
    await output.truncate(stream('stdout'), 2);
    expect(await log.extent(runId, 'stdout')).toEqual({ begin: 14, end: 18, size: 18, hasGaps: false });
  });

  it('that are written while somebody reads are for the next reader', async () => {
    await write('stdout', 'a');
    expect(await read(null, null, 'stdout', () => write('stdout', 'b'))).toBe('a');
  });
});
