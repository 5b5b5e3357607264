import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Writable } from 'node:stream';
import { define, Problem, type Asked, type MessageMeta } from '@kgpu/contracts';
import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { Answers } from './answers.ts';
import { createLog } from './create-log.ts';
import { connectBus, type NatsBus } from './nats-bus.ts';
import type { RunningService } from './service.ts';
import { startBusService } from './start-bus-service.ts';
import { testContext, until, type TestContext } from './testing.ts';
import { traceFields, withTrace } from './trace.ts';

const Echo = define('files', 'query', 'spec-echo', z.object({ text: z.string(), 'a/b': z.array(z.int()).default([]) }), z.object({ text: z.string() }));
const Meta = define('files', 'query', 'spec-meta', z.object({}), z.object({ meta: z.unknown(), trace: z.unknown() }));
const Refuse = define('files', 'command', 'spec-refuse', z.object({}), z.unknown());
const Break = define('files', 'command', 'spec-break', z.object({}), z.unknown());
const Large = define('files', 'query', 'spec-large', z.object({ bytes: z.int() }), z.object({ text: z.string() }));
const NotJson = define('files', 'query', 'spec-not-json', z.object({}), z.unknown());
const Wait = define('files', 'query', 'spec-wait', z.object({}), z.object({}));
const Nobody = define('files', 'query', 'spec-nobody', z.object({}), z.object({}));

/** What the controller waits for, and how many wait. */
let opened = Promise.withResolvers<void>();
let waiting = 0;

@Controller()
class SpecController {
  @Answers(Echo)
  async echo({ text }: Asked<typeof Echo>) {
    return { text };
  }

  @Answers(Meta)
  async meta(_request: object, meta: MessageMeta) {
    return { meta, trace: traceFields() };
  }

  @Answers(Refuse)
  async refuse() {
    throw new Problem('insufficient_credits', 'Too poor', { balance: 3, required: 500 });
  }

  @Answers(Break)
  async break() {
    throw new Error('the word is swordfish');
  }

  @Answers(Large)
  async large({ bytes }: Asked<typeof Large>) {
    return { text: 'x'.repeat(bytes) };
  }

  @Answers(NotJson)
  async notJson() {
    return { amount: 1n };
  }

  @Answers(Wait)
  async wait() {
    waiting++;
    await opened.promise;
    waiting--;
    return {};
  }
}

const specModule = { module: SpecController, controllers: [SpecController] };

const by = { requestId: 'r-1' };
const ids = (count: number) => Array.from({ length: count }, (_, index) => index);

describe('the bus', () => {
  let context: TestContext;
  let service: RunningService;
  const start = () => startBusService({ context, name: 'spec', module: specModule });

  beforeAll(async () => {
    context = await testContext();
    service = await start();
  });
  afterEach(() => {
    opened.resolve();
    opened = Promise.withResolvers();
  });
  afterAll(async () => {
    await service.close();
    await context.close();
  });

  it('carries a request and its reply', async () => {
    expect(await context.bus.ask(Echo, { text: 'ü' }, by)).toEqual({ text: 'ü' });
    expect(await context.bus.ping()).toBeLessThan(1_000);
  });

  it('refuses a request that does not fit, and points at what is wrong', async () => {
    const error = await context.bus.ask(Echo, { text: 1, 'a/b': [1, 'x'] } as never, by).catch((problem: Problem) => problem);
    expect(error).toMatchObject({ code: 'invalid_request', fields: { errors: [{ pointer: '/text' }, { pointer: '/a~1b/1' }] } });
  });

  it('keeps code, words and fields of a problem', async () => {
    const error = await context.bus.ask(Refuse, {}, by).catch((problem: Problem) => problem);
    expect(error).toBeInstanceOf(Problem);
    expect(error).toMatchObject({ code: 'insufficient_credits', status: 402, message: 'Too poor', fields: { balance: 3, required: 500 } });
  });

  it('says so when nobody answers such messages', async () => {
    await expect(context.bus.ask(Nobody, {}, by)).rejects.toMatchObject({ code: 'service_unavailable', status: 503, fields: { retry_after_seconds: 2 } });
  });

  it('waits no longer than the deadline', async () => {
    const began = performance.now();
    await expect(context.bus.ask(Wait, {}, { ...by, deadlineMs: 50 })).rejects.toMatchObject({ code: 'service_timeout', status: 504 });
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it('tells a service who asks, how long it waits, what it must know and which trace it is part of', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const asked = await withTrace(traceparent, () => context.bus.ask(Meta, {}, { requestId: 'r-2', minPosition: 0, deadlineMs: 900 }));
    expect(asked).toEqual({ meta: { request_id: 'r-2', deadline_ms: 900, min_position: 0, traceparent }, trace: { trace_id: '4bf92f3577b34da6a3ce929d0e0e4736' } });
    expect(await context.bus.ask(Meta, {}, by)).toMatchObject({ trace: {} });
  });

  it('carries replies of some megabytes, and names what is too large for it', async () => {
    expect((await context.bus.ask(Large, { bytes: 7_000_000 }, by)).text).toHaveLength(7_000_000);
    await expect(context.bus.ask(Large, { bytes: 9_000_000 }, by)).rejects.toMatchObject({ code: 'bad_reply', message: expect.stringContaining('Ask for less') });
    await expect(context.bus.ask(Echo, { text: 'x'.repeat(9_000_000) }, by)).rejects.toMatchObject({ code: 'payload_too_large' });
  });

  it('tells of a reply that is not JSON', async () => {
    await expect(context.bus.ask(NotJson, {}, by)).rejects.toMatchObject({ code: 'internal_error' });
  });

  it('answers at once what is not one of its messages', async () => {
    const { connection } = context.bus as NatsBus;
    for (const bytes of ['', '{', 'null', '{"request":{}}']) {
      const reply = await connection.request(Echo.subject, bytes, { timeout: 2_000 });
      expect(reply.json()).toMatchObject({ problem: { code: 'invalid_request' } });
    }
  });

  it('refuses more than a thousand messages at once, and takes more when they are done', async () => {
    const asked = ids(1_050).map(() => context.bus.ask(Wait, {}, by).then(() => 'ok', ({ code }: Problem) => code));
    await until(() => waiting === 1_000);
    await expect(context.bus.ask(Echo, { text: 'x' }, by)).rejects.toMatchObject({ code: 'service_unavailable', fields: { retry_after_seconds: 1 } });
    opened.resolve();
    const outcomes = await Promise.all(asked);
    expect(outcomes.filter((outcome) => outcome === 'ok')).toHaveLength(1_000);
    expect(outcomes.filter((outcome) => outcome === 'service_unavailable')).toHaveLength(50);
    expect(await context.bus.ask(Echo, { text: 'x' }, by)).toEqual({ text: 'x' });
  });

  it('counts what was asked and answered, by outcome', async () => {
    const metrics = await context.metrics.metrics();
    expect(metrics).toMatch(/kgpu_bus_ask_seconds_count\{message="spec-echo",outcome="ok"\} \d/);
    expect(metrics).toMatch(/kgpu_bus_ask_seconds_count\{message="spec-nobody",outcome="service_unavailable"\} 1/);
    expect(metrics).toMatch(/kgpu_bus_answer_seconds_count\{service="spec",message="spec-refuse",outcome="insufficient_credits"\} 1/);
    expect(metrics).toMatch(/kgpu_event_store_position 0/);
  });
});

describe('a service on the bus', () => {
  let context: TestContext;
  let client: NatsBus;
  const start = (log = context.log) => startBusService({ context: { ...context, log }, name: 'spec', module: specModule });

  beforeAll(async () => {
    context = await testContext();
    client = await connectBus({ url: context.natsUrl, log: createLog('silent') });
  });
  afterAll(async () => {
    await client.close();
    await context.close();
  });

  it('answers the first message that is sent after its start, at each of 50 starts', async () => {
    for (const _ of ids(50)) {
      const service = await start();
      expect(await client.ask(Echo, { text: 'first' }, by)).toEqual({ text: 'first' });
      await service.close();
    }
  });

  it('answers everything that it has taken before it is closed', async () => {
    opened = Promise.withResolvers();
    const service = await start();
    const asked = ids(100).map(() => client.ask(Wait, {}, by));
    await until(() => waiting === 100);
    const closing = service.close();
    opened.resolve();
    await closing;
    expect(await Promise.all(asked)).toHaveLength(100);
    await expect(client.ask(Echo, { text: 'late' }, by)).rejects.toMatchObject({ code: 'service_unavailable' });
  });

  it('loses no message while one replica takes over from another', async () => {
    let replica = await start();
    let asking = true;
    let answered = 0;
    const refused: string[] = [];
    const asker = async () => {
      while (asking) await client.ask(Echo, { text: 'x' }, by).then(() => answered++, ({ code }: Problem) => refused.push(code));
    };
    const askers = ids(8).map(asker);
    for (const _ of ids(5)) {
      const next = await start();
      const before = answered;
      await replica.close();
      replica = next;
      await until(() => answered > before + 50);
    }
    asking = false;
    await Promise.all(askers);
    await replica.close();
    expect(refused).toEqual([]);
  });

  it('tells who still waits after a second to ask again, and closes', async () => {
    opened = Promise.withResolvers();
    const service = await start();
    const asked = client.ask(Wait, {}, by).catch((problem: Problem) => problem);
    await until(() => waiting === 1);
    const began = performance.now();
    await service.close();
    expect(performance.now() - began).toBeLessThan(1_900);
    expect(await asked).toMatchObject({ code: 'service_unavailable', message: 'spec is being stopped' });
    opened.resolve();
  });

  it('tells a defect without its details, and logs it with them', async () => {
    const lines: string[] = [];
    const service = await start(createLog('error', new Writable({ write: (line: Buffer, _encoding, done) => (lines.push(line.toString()), done()) })));
    const problem = await client.ask(Break, {}, by).catch((thrown: Problem) => thrown);
    await service.close();
    expect(problem).toMatchObject({ code: 'internal_error', fields: { request_id: 'r-1' } });
    expect(JSON.stringify(problem)).not.toContain('swordfish');
    expect(lines.map((line) => JSON.parse(line))).toEqual([expect.objectContaining({ request_id: 'r-1', service: 'spec', err: expect.objectContaining({ message: 'the word is swordfish' }) })]);
  });

  it('closes in no time when it has nothing to do', async () => {
    const service = await start();
    const began = performance.now();
    await Promise.all([service.close(), service.close()]);
    expect(performance.now() - began).toBeLessThan(500);
  });
});
