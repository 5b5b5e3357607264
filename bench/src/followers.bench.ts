/** What those who follow runs cost, and how soon they hear: the gateway as a process of its own. */
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Row } from './row.ts';
import { median, withParts, type BenchClient, type Parts } from './system.ts';

const FOLLOWERS = 500;
const LINES = 40;
const SETTLE_MS = 3_000;
const REQUESTS = 50;
const FLOOD_BYTES = 300_000_000;

export async function run(): Promise<Row[]> {
  return withParts({ KGPU_COMPUTE: 'process' }, async (client, parts) => {
    const delay = await firstByte(client);
    const { run_id } = await client.start(['sh', '-c', 'while :; do echo tick; sleep 0.5; done']);
    await client.send('GET', '/v1/gpus');
    const alone = { mb: parts.memoryOf('gateway'), ms: await requestMs(client) };
    const open = await Promise.all(Array.from({ length: FOLLOWERS }, (_, n) => client.open(`/v1/runs/${run_id}/${n % 2 === 0 ? 'events' : 'logs?follow=1'}`)));
    // Half of them read, half never do.
    for (const reply of open.slice(0, FOLLOWERS / 2)) reply.resume();
    await sleep(SETTLE_MS);
    const followed = { mb: parts.memoryOf('gateway'), ms: await requestMs(client) };
    for (const reply of open) reply.destroy();
    await client.send('DELETE', `/v1/runs/${run_id}`);
    return [
      delay,
      await neverReading(client, parts),
      { what: `${FOLLOWERS} open followers: memory that they cost the gateway`, value: followed.mb - alone.mb, unit: 'MB' },
      { what: `GET /v1/gpus meanwhile`, value: followed.ms, unit: 'ms', ratio: alone.ms / followed.ms, to: 'without followers' },
    ];
  });
}

/** Followers of a command that writes a lot, of whom none ever reads. */
async function neverReading(client: BenchClient, parts: Parts): Promise<Row> {
  const { run_id } = await client.start(['sh', '-c', `yes 'a line that says nothing new' | head -c ${FLOOD_BYTES}; sleep 3`]);
  const before = parts.memoryOf('gateway');
  const open = await Promise.all(Array.from({ length: FOLLOWERS }, () => client.open(`/v1/runs/${run_id}/logs?follow=1`)));
  while ((await client.send<{ phase: string }>('GET', `/v1/runs/${run_id}?wait_seconds=30`)).phase === 'Running');
  const value = parts.memoryOf('gateway') - before;
  for (const reply of open) reply.destroy();
  return { what: `${FOLLOWERS} that never read a flood of ${FLOOD_BYTES / 1e6} MB: memory`, value, unit: 'MB' };
}

async function requestMs(client: BenchClient): Promise<number> {
  const all: number[] = [];
  for (let n = 0; n < REQUESTS; n++) {
    const begun = performance.now();
    await client.send('GET', '/v1/gpus');
    all.push(performance.now() - begun);
  }
  return median(all);
}

/** From the writing of a line to its coming to a client of `/events`, by the machine's uptime, which both can read (10 ms exact). */
async function firstByte(client: BenchClient): Promise<Row> {
  const script = `i=0; while [ $i -lt ${LINES} ]; do i=$((i+1)); read -r up _ </proc/uptime; echo $up; sleep 0.4; done`;
  const { run_id } = await client.start(['sh', '-c', script]);
  const delays: number[] = [];
  for await (const text of lines(await client.open(`/v1/runs/${run_id}/events`))) {
    const now = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
    const written = /"text":"([\d.]+)\\n"/.exec(text)?.[1];
    if (written !== undefined) delays.push((now - Number(written)) * 1_000);
  }
  return { what: `from a line's writing to an SSE client, median of ${delays.length}`, value: median(delays), unit: 'ms' };
}

async function* lines(reply: IncomingMessage): AsyncGenerator<string> {
  let text = '';
  for await (const chunk of reply.setEncoding('utf8')) {
    const all = (text + String(chunk)).split('\n');
    text = all.pop()!;
    yield* all;
  }
}
