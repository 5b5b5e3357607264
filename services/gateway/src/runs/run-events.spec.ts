import { hash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { eventCodec, outputStream, type RunEvent } from '@kgpu/contracts';
import { MemoryEventStore } from '@kgpu/event-store';
import { HEARTBEAT_MS } from '../http/server-sent-events.ts';
import { beginning, parsePlace, RunEvents } from './run-events.ts';
import { RunNews } from './run-news.ts';

const ids = { run_id: 'run-1-260517010000-0a0b0c0d', gpu_id: 'gpu-1-260517010000-0a0b0c0d', user_id: 1 };
const at = '2026-05-17T01:00:00.000Z';
const requested: RunEvent = { type: 'RunRequested', data: { ...ids, name: null, command: ['true'], env: {}, cwd: null, timeout_seconds: null, runner: null, at } };
const started: RunEvent = { type: 'RunStarted', data: { ...ids, pid: 7, at } };
const ended: RunEvent = {
  type: 'RunEnded', data: { ...ids, exit_code: 0, signal: null, reason: null, message: null, elapsed_seconds: 1, stdout_bytes: 0, stderr_bytes: 0, output_truncated: false, at },
};

const digest = (text: string) => hash('sha1', text);

describe('the events of a run', () => {
  let facts: MemoryEventStore;
  let output: MemoryEventStore;
  let news: RunNews;
  let events: RunEvents;
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'performance'] });
    [facts, output] = [new MemoryEventStore(), new MemoryEventStore()];
    news = new RunNews(facts, output);
    events = new RunEvents(facts, output, news);
  });
  afterEach(async () => {
    jest.useRealTimers();
    await news.close();
    await facts.close();
    await output.close();
  });

  const record = (event: RunEvent) => facts.append(`run-${ids.run_id}`, [eventCodec.encode(event)], { expected: 'any', commitId: event.type });

  it('beat the heart while nothing happens, also of a run that has not started, and end with it', async () => {
    await record(requested);
    const following = events.follow(ids.run_id, beginning, new AbortController().signal);
    const silence = async () => {
      const next = following.next();
      await jest.advanceTimersByTimeAsync(HEARTBEAT_MS);
      return (await next).value as string;
    };
    expect([await silence(), await silence()]).toEqual([':\n\n', ':\n\n']);
    await record(started);
    expect((await following.next()).value).toMatch(/^id: 1-0-0\nevent: started\n/);
    expect(await silence()).toBe(':\n\n');
    await record(ended);
    expect((await following.next()).value).toMatch(/^id: 2-0-0\nevent: ended\n/);
    expect((await following.next()).done).toBe(true);
  });

  it('hold a part of a large chunk each, and whole characters', async () => {
    for (const event of [requested, started, ended]) await record(event);
    const body = Buffer.from('€'.repeat(20_000));
    const chunk = eventCodec.encode({ type: 'OutputWritten', data: { stream: 'stdout', offset: 0, bytes: body.length, skipped: 0 }, body });
    await output.append(outputStream(ids.run_id, 'stdout'), [chunk], { expected: 'no_stream', commitId: 'c' });
    const sent: { offset: number; text: string }[] = [];
    const blocks: string[] = [];
    for await (const block of events.follow(ids.run_id, beginning, new AbortController().signal)) {
      blocks.push(block);
      for (const [, json] of block.matchAll(/^event: output\ndata: (.*)$/gm)) sent.push(JSON.parse(json!) as { offset: number; text: string });
    }
    for (const [n, block] of blocks.entries()) {
      const rest: string[] = [];
      const id = parsePlace(/^id: (.*)$/m.exec(block)![1]!)!;
      for await (const again of events.follow(ids.run_id, id, new AbortController().signal)) rest.push(again);
      expect(rest.map(digest)).toEqual(blocks.slice(n + 1).map(digest));
    }
    expect(sent.length).toBeGreaterThan(3);
    let next = 0;
    for (const { offset, text } of sent) {
      expect([offset, text.replaceAll('€', '')]).toEqual([next, '']);
      expect(text.length * 3).toBeLessThanOrEqual(16_386);
      next += text.length * 3;
    }
    expect(next).toBe(body.length);
  });

  it('are none for who has the last one', async () => {
    await record(requested);
    expect(await events.follow(ids.run_id, parsePlace('2-0-0')!, new AbortController().signal).next()).toEqual({ done: true, value: undefined });
  });
});
