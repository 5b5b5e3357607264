import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '@kgpu/runtime/testing';
import { startOn, startSystem, type System } from './system.ts';

const digest = (data: Buffer | string) => createHash('sha256').update(data).digest('hex');

interface Sent {
  id: string;
  event: string;
  data: Record<string, any>;
}

describe('the output of runs, over the restarts of a system', () => {
  let system: System;
  afterEach(() => system.remove());

  it('is swept away when its time is over, and the history of its run stays', async () => {
    system = await startSystem({ KGPU_OUTPUT_RETENTION: '1s' });
    const gpuId = (await system.admin.post('/v1/gpus', { image: 'debian:12', wait_seconds: 30 })).body['gpu_id'];
    const { run_id } = (await system.admin.post('/v1/runs', { gpu_id: gpuId, command: ['echo', 'old'], wait_seconds: 30 })).body;
    const ranAt = Date.now();
    expect(await system.stop()).toBe(0);
    await until(() => Date.now() - ranAt > 1_500);
    system = await startOn(system.folder, { KGPU_OUTPUT_RETENTION: '1s' });
    const run = await until(async () => {
      const { body } = await system.admin.get(`/v1/runs/${run_id}`);
      return body['stdout'] === '' && body;
    });
    expect(run).toMatchObject({ phase: 'Succeeded', exit_code: 0, stdout_bytes: 4, output_truncated: true, command: ['echo', 'old'] });
    expect((await system.admin.get(`/v1/gpus/${gpuId}`)).body['runs']).toMatchObject([{ run_id, output_truncated: true }]);
    expect(await system.admin.get(`/v1/runs/${run_id}/logs`)).toMatchObject({ status: 200, body: null });
  }, 60_000);

  it('leaves the container when it is on record and another run begins, also after kill -9', async () => {
    system = await startSystem();
    const gpuId = (await system.admin.post('/v1/gpus', { image: 'debian:12', wait_seconds: 30 })).body['gpu_id'];
    const runIn = async (script: string) => (await system.admin.post('/v1/runs', { gpu_id: gpuId, command: ['sh', '-c', script], wait_seconds: 30 })).body;
    const { run_id } = await runIn('head -c 3000000 /dev/zero');
    const listing = `ls "\${TMPDIR:-/tmp}/kgpu/runs/${run_id}"`;
    await system.stop('SIGKILL');
    system = await startOn(system.folder);
    await until(async () => (await runIn(listing)).stdout === 'exit\nio\npid\nsup\n');
    expect(await system.admin.get(`/v1/runs/${run_id}`)).toMatchObject({ body: { stdout_bytes: 3_000_000, output_truncated: false } });
    const logs = await fetch(`${system.url}/v1/runs/${run_id}/logs`, { headers: { authorization: `Bearer ${system.adminToken}` } });
    expect(digest(Buffer.from(await logs.arrayBuffer()))).toBe(digest(Buffer.alloc(3_000_000)));
  }, 60_000);
});

describe('the output of runs', () => {
  let system: System;
  let gpuId: string;
  beforeAll(async () => {
    system = await startSystem();
    gpuId = (await system.admin.post('/v1/gpus', { image: 'debian:12', wait_seconds: 30 })).body['gpu_id'];
  });
  afterAll(() => system.remove());

  const run = async (script: string, waitSeconds = 30) => (await system.admin.post('/v1/runs', { gpu_id: gpuId, command: ['sh', '-c', script], wait_seconds: waitSeconds })).body;
  const open = (path: string, headers: Record<string, string> = {}, signal?: AbortSignal) =>
    fetch(system.url + path, { headers: { authorization: `Bearer ${system.adminToken}`, ...headers }, ...(signal && { signal }) });
  const bytes = async (path: string, headers: Record<string, string> = {}) => {
    const response = await open(path, headers);
    return { status: response.status, headers: response.headers, body: Buffer.from(await response.arrayBuffer()) };
  };

  /** Reads events until `enough`, or the end of the stream. */
  async function events(runId: string, lastEventId: string | null = null, enough: (sent: Sent[]) => boolean = () => false): Promise<Sent[]> {
    const gone = new AbortController();
    const response = await open(`/v1/runs/${runId}/events`, lastEventId === null ? {} : { 'last-event-id': lastEventId }, gone.signal);
    if (response.status === 204) return []; // it has seen the end
    const sent: Sent[] = [];
    let text = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const blocks = text.split('\n\n');
      text = blocks.pop()!;
      for (const block of blocks.filter((lines) => lines.startsWith('id:'))) {
        const [id, event, data] = ['id', 'event', 'data'].map((name) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)![1]!);
        sent.push({ id: id!, event: event!, data: JSON.parse(data!) });
      }
      if (enough(sent)) break;
    }
    gone.abort();
    return sent;
  }
  const textOf = (sent: Sent[], stream: string) => sent.filter(({ data }) => data['stream'] === stream).map(({ data }) => data['text']).join('');

  it('is there byte for byte, of each channel and of both', async () => {
    const { run_id } = await run('head -c 300000 /dev/urandom | tee /tmp/random; sha256sum < /tmp/random >&2');
    const logs = `/v1/runs/${run_id}/logs`;
    const stdout = await bytes(`${logs}?stream=stdout`);
    const stderr = await bytes(`${logs}?stream=stderr`);
    expect(stdout.headers.get('content-length')).toBe('300000');
    expect(stderr.body.toString()).toContain(digest(stdout.body));
    const both = await bytes(logs);
    expect(both.body.length).toBe(stdout.body.length + stderr.body.length);

    const range = (header: string, stream = 'stdout') => bytes(`${logs}?stream=${stream}`, { range: header });
    const middle = await range('bytes=70000-140000');
    expect([middle.status, middle.headers.get('content-range')]).toEqual([206, 'bytes 70000-140000/300000']);
    expect(digest(middle.body)).toBe(digest(stdout.body.subarray(70_000, 140_001)));
    expect(digest((await range('bytes=-100')).body)).toBe(digest(stdout.body.subarray(-100)));
    expect(digest((await range('bytes=65530-70000', 'both')).body)).toBe(digest(both.body.subarray(65_530, 70_001)));
    expect((await range('bytes=300000-')).status).toBe(416);
    expect((await range('bytes=0-1,5-6')).status).toBe(200);
  });

  it('comes while it is written, and the followers end with the run', async () => {
    const { run_id, phase } = await run('mkfifo /tmp/go; echo first; read line < /tmp/go; echo "$line"', 0);
    expect(phase).toBe('Running');
    const live = open(`/v1/runs/${run_id}/logs?follow=1`);
    const first = await events(run_id, null, (sent) => textOf(sent, 'stdout') === 'first\n');
    expect(first.map(({ event }) => event)).toEqual(['started', 'output']);
    await run('echo second > /tmp/go');
    expect(await (await live).text()).toBe('first\nsecond\n');
    const rest = await events(run_id, first.at(-1)!.id);
    expect(rest.at(-1)).toMatchObject({ event: 'ended', data: { run_id } });
    expect(rest.at(-1)!.data).not.toHaveProperty('user_id');
    expect(textOf(rest, 'stdout')).toBe('second\n');
    expect((await open(`/v1/runs/${run_id}/events`, { 'last-event-id': rest.at(-1)!.id })).status).toBe(204);
  });

  it('is resumed after any event without loss or repetition, and text holds no half character', async () => {
    // Characters of three bytes, so that pieces of the record end in the middle of one.
    const { run_id } = await run(`i=0; while [ $i -lt 3000 ]; do printf '%s' '한글이 왔다갔다 '; i=$((i+1)); done; printf '\\355\\225'; echo oops >&2`);
    const all = await events(run_id);
    expect(all.map(({ event }) => event).filter((event) => event !== 'output')).toEqual(['started', 'ended']);
    expect(textOf(all, 'stdout')).toBe('한글이 왔다갔다 '.repeat(3_000) + '\ufffd');
    expect(textOf(all, 'stderr')).toBe('oops\n');
    for (const [n, { id }] of all.entries()) {
      const rest = await events(run_id, id);
      expect(rest.map(({ event }) => event)).toEqual(all.slice(n + 1).map(({ event }) => event));
      expect(textOf(rest, 'stdout')).toBe(textOf(all.slice(n + 1), 'stdout'));
    }
  });

  it('survives the return of the GPU and a restart of everything', async () => {
    const { body: rented } = await system.admin.post('/v1/gpus', { image: 'debian:12', wait_seconds: 30 });
    const { body: kept } = await system.admin.post('/v1/runs', { gpu_id: rented['gpu_id'], command: ['echo', 'kept'] });
    await system.admin.delete(`/v1/gpus/${rented['gpu_id']}`);
    await until(async () => (await system.admin.get(`/v1/gpus/${rented['gpu_id']}`)).body['phase'] === 'Ended');
    await system.stop('SIGKILL');
    system = await startOn(system.folder);
    expect((await bytes(`/v1/runs/${kept['run_id']}/logs`)).body.toString()).toBe('kept\n');
    expect((await events(kept['run_id'])).map(({ event }) => event)).toEqual(['started', 'output', 'ended']);
  });

  it('cannot be asked for in ways that make no sense, nor by others', async () => {
    const { run_id } = await run('true');
    for (const id of ['garbage', '3-0-0', '1-0', '1--1-0', '1-0-99999999999999999999']) {
      expect(await system.admin.get(`/v1/runs/${run_id}/events`, { 'last-event-id': id })).toMatchObject({ status: 422, body: { code: 'invalid_request' } });
    }
    expect(await system.admin.get(`/v1/runs/${run_id}/logs?stream=stdin`)).toMatchObject({ status: 422 });
    const { user_id } = (await system.admin.post('/v1/admin/users', { email: 'reader@lab.org' })).body;
    const reader = system.admin.as((await system.admin.post(`/v1/admin/users/${user_id}/tokens`)).body['token']);
    for (const what of ['logs', 'events']) expect(await reader.get(`/v1/runs/${run_id}/${what}`)).toMatchObject({ status: 404, body: { code: 'run_not_found' } });
  });
});
