import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryEventStore } from '@kgpu/event-store';
import { outputStream, type OutputChannel } from '@kgpu/contracts';
import { bytesOf, outputTail, revisionOf, type Chunk } from './output-log.ts';
import { RunOutput } from './run-output.ts';

const runId = 'run-1-260517010000-0a0b0c0d';
const CHUNK = 65_536;
const CAP = 32 * CHUNK;
let store: MemoryEventStore;
beforeEach(() => {
  store = new MemoryEventStore();
});
afterEach(() => store.close());

const chunks = async (channel: OutputChannel) => (await store.read(outputStream(runId, channel), { limit: 10_000 })).map(({ data }) => data as Chunk);
const kept = async () => [...await chunks('stdout'), ...await chunks('stderr')].reduce((sum, { bytes }) => sum + bytes, 0);
/** Chunk number n consists of one letter. */
const chunk = (n: number) => Buffer.alloc(CHUNK, 97 + (n % 26));
async function write(output: RunOutput, channel: OutputChannel, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++) await output.push(channel, n * CHUNK, chunk(n));
  await output.flush();
}

describe('the output of a run', () => {
  it('never takes more than its cap, and what is left are the newest bytes at their own offsets', async () => {
    const output = await RunOutput.open(store, runId, CAP);
    for (let n = 0; n < 200; n++) {
      await write(output, 'stdout', n, n + 1);
      expect(await kept()).toBeLessThanOrEqual(CAP);
    }
    const left = await chunks('stdout');
    expect(left.length).toBeGreaterThan(28);
    const bodies = (await store.read(outputStream(runId, 'stdout'))).map(bytesOf);
    for (const [n, { offset }] of left.entries()) expect(chunk(offset / CHUNK).equals(bodies[n]!)).toBe(true);
    expect(left.at(-1)!.offset).toBe(199 * CHUNK);
    expect(output.isIncomplete).toBe(true);
    expect(output.ends).toEqual({ stdout: 200 * CHUNK, stderr: 0 });
  });

  it('takes the cap from the channel that wrote more, and leaves the other alone', async () => {
    const output = await RunOutput.open(store, runId, CAP);
    await write(output, 'stderr', 0, 2);
    await write(output, 'stdout', 0, 100);
    expect((await chunks('stderr')).map(({ offset }) => offset)).toEqual([0, CHUNK]);
    expect((await chunks('stdout'))[0]!.offset).toBeGreaterThan(0);
  });

  it('is all there below the cap, and whoever goes on after a crash knows what was dropped before', async () => {
    const first = await RunOutput.open(store, runId, CAP);
    await write(first, 'stdout', 0, 32);
    expect(first.isIncomplete).toBe(false);
    await write(first, 'stdout', 32, 40);
    const second = await RunOutput.open(store, runId, CAP);
    expect(second.isIncomplete).toBe(true);
    await write(second, 'stdout', 40, 80);
    expect(await kept()).toBeLessThanOrEqual(CAP);
    expect(await outputTail(store, runId, 'stdout', 10)).toEqual({ text: 'bbbbbbbbbb', end: 80 * CHUNK, isIncomplete: true });
  });

  it('remembers over a crash that the container had dropped bytes', async () => {
    const first = await RunOutput.open(store, runId, CAP);
    await first.push('stdout', 0, Buffer.from('a'));
    await first.push('stdout', 1_000, Buffer.from('z'));
    await first.flush();
    const second = await RunOutput.open(store, runId, CAP);
    expect(second.isIncomplete).toBe(true);
    await second.push('stdout', 1_001, Buffer.from('!'));
    await second.flush();
    expect((await chunks('stdout')).map(({ skipped }) => skipped)).toEqual([0, 999, 999]);
    expect(await outputTail(store, runId, 'stdout', 10)).toEqual({ text: 'az!', end: 1_002, isIncomplete: true });
  });

  it('is found by offset, also where its beginning is gone', async () => {
    const output = await RunOutput.open(store, runId, CAP);
    await write(output, 'stdout', 0, 50);
    const [first] = await store.read(outputStream(runId, 'stdout'), { limit: 1 });
    expect(await revisionOf(store, runId, 'stdout', 0)).toBe(first!.revision);
    expect(await revisionOf(store, runId, 'stdout', 45 * CHUNK)).toBe(45);
    expect(await revisionOf(store, runId, 'stdout', 45 * CHUNK - 1)).toBe(44);
    expect(await revisionOf(store, runId, 'stdout', 50 * CHUNK)).toBe(50);
  });
});
