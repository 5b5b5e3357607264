import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { Readable, Writable } from 'node:stream';
import { Problem, type ProblemJson } from '@kgpu/contracts';
import { Body, Controller, Get, Param, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { createLog } from './create-log.ts';
import { MAX_BODY_BYTES, startHttp, type HttpServer } from './start-http.ts';
import { until } from './testing.ts';
import { traceFields } from './trace.ts';
import { awaitsContinue, leaveBodiesUnread, letContinue } from './unread-bodies.ts';

let slow = Promise.withResolvers<void>();
let followed = Readable.from([]);

@Controller('v1')
class SpecController {
  @Get('things/:id')
  thing(@Param('id') id: string) {
    if (id === 'refused') throw new Problem('insufficient_credits', 'Too poor', { balance: 3 });
    if (id === 'broken') throw new Error('the word is swordfish');
    if (id === 'busy') throw new Problem('service_unavailable', undefined, { retry_after_seconds: 7 });
    if (id === 'short') throw new Problem('range_not_satisfiable', undefined, { size: 9 });
    if (id === 'secret') throw new Problem('unauthenticated');
    return { id };
  }

  @Post('things')
  make(@Body() body: unknown) {
    return { body, trace: traceFields() };
  }

  @Get('slow')
  async slow(@Res() reply: FastifyReply) {
    reply.raw.writeHead(200, { 'content-type': 'text/plain' }).write('first');
    await slow.promise;
    reply.raw.end(' and last');
  }

  @Get('followed')
  follow(@Res() reply: FastifyReply) {
    followed = new Readable({ read() { setImmediate(() => this.push('tick')); } });
    void reply.header('content-type', 'text/plain').send(followed);
  }

  @Get('endless')
  endless(@Res() reply: FastifyReply) {
    reply.raw.writeHead(200, { 'content-type': 'text/plain' }).write('first');
  }
}

const specModule = { module: SpecController, controllers: [SpecController] };

const json = { 'content-type': 'application/json' };

describe('HTTP', () => {
  let http: HttpServer;
  let port: number;
  const lines: Record<string, unknown>[] = [];
  const log = createLog('info', new Writable({ write: (line: Buffer, _encoding, done) => (lines.push(JSON.parse(line.toString()) as Record<string, unknown>), done()) }));
  const start = (bodyTimeoutMs?: number) => startHttp({
    module: specModule, host: '127.0.0.1', port: 0, log, ...(bodyTimeoutMs !== undefined && { bodyTimeoutMs }),
    prepare: (fastify) => leaveBodiesUnread(fastify, (scope) => {
      scope.route({ method: 'PUT', url: '/v1/files/*', handler: async (request, reply) => {
        if (request.headers['x-refuse'] !== undefined) throw new Problem('quota_exceeded');
        if (awaitsContinue(request.raw)) setTimeout(() => letContinue(request.raw, reply.raw), 50);
        let bytes = 0;
        for await (const chunk of request.raw) bytes += (chunk as Buffer).length;
        return { bytes, type: request.headers['content-type'] };
      } });
    }),
  });
  const call = (path: string, init?: RequestInit) => fetch(http.url + path, init);
  const problemOf = async (response: Response) => {
    expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    const problem = (await response.json()) as ProblemJson;
    expect(problem.status).toBe(response.status);
    return problem;
  };
  /** Sends bytes as they are; the reply as it came, up to the end of the connection. */
  const send = async (bytes: string) => {
    const socket = connect(port, '127.0.0.1');
    socket.end(bytes);
    let reply = '';
    for await (const chunk of socket) reply += String(chunk);
    const [head, body] = reply.split('\r\n\r\n') as [string, string];
    return { head, problem: JSON.parse(body) as ProblemJson };
  };

  beforeAll(async () => {
    http = await start();
    port = Number(new URL(http.url).port);
  });
  afterAll(() => http.close());

  it('answers, and says which request it was', async () => {
    const response = await call('/v1/things/x', { headers: { 'x-request-id': 'job-1.a_B' } });
    expect(await response.json()).toEqual({ id: 'x' });
    expect(response.headers.get('x-request-id')).toBe('job-1.a_B');
  });

  it.each([['a b'], ['x'.repeat(129)], ['<script>']])('gives a request an id of its own when it comes with %j', async (given) => {
    const response = await call('/v1/things/x', { headers: { 'x-request-id': given } });
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('gives problems as they are, with the headers that belong to them', async () => {
    expect(await problemOf(await call('/v1/things/refused'))).toEqual({
      type: 'urn:kgpu:problem:insufficient_credits', title: expect.any(String), status: 402, code: 'insufficient_credits', detail: 'Too poor', balance: 3,
    });
    expect((await call('/v1/things/busy')).headers.get('retry-after')).toBe('7');
    expect((await call('/v1/things/short')).headers.get('content-range')).toBe('bytes */9');
    expect((await call('/v1/things/secret')).headers.get('www-authenticate')).toContain('Bearer');
  });

  it('reads no stream for a client that only asks for its head', async () => {
    const response = await call('/v1/followed', { method: 'HEAD' });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/plain']);
    const { destroyed } = followed;
    followed.destroy();
    expect(destroyed).toBe(true);
  });

  it('tells a defect without its details, and logs it with them', async () => {
    const problem = await problemOf(await call('/v1/things/broken', { headers: { 'x-request-id': 'defect-1' } }));
    expect(problem).toMatchObject({ status: 500, code: 'internal_error' });
    expect(JSON.stringify(problem)).not.toContain('swordfish');
    expect(lines).toContainEqual(expect.objectContaining({ request_id: 'defect-1', err: expect.objectContaining({ message: 'the word is swordfish' }) }));
  });

  it.each<[string, RequestInit, string, number]>([
    ['/nowhere', {}, 'route_not_found', 404],
    ['/v1/things', { method: 'POST', headers: json, body: '{"a":' }, 'invalid_json', 400],
    ['/v1/things', { method: 'POST', headers: json, body: '{"a":["\\ud800"]}' }, 'invalid_json', 400],
    ['/v1/things', { method: 'POST', headers: json, body: '{"\\udc00":1}' }, 'invalid_json', 400],
    ['/v1/things', { method: 'POST', headers: { 'content-type': 'text/plain' }, body: '{}' }, 'unsupported_media_type', 415],
    ['/v1/things', { method: 'POST', headers: { 'content-type': 'nonsense' }, body: '{}' }, 'unsupported_media_type', 415],
    ['/v1/things', { method: 'POST', headers: json, body: `"${'x'.repeat(MAX_BODY_BYTES)}"` }, 'payload_too_large', 413],
    ['/v1/things/%zz', {}, 'invalid_path', 400],
    [`/v1/things/${'x'.repeat(3_000)}`, {}, 'invalid_path', 400],
  ])('answers %s %j with %s', async (path, init, code, status) => {
    expect(await problemOf(await call(path, init))).toMatchObject({ code, status });
  });

  it('says which methods a path takes', async () => {
    const response = await call('/v1/things/x', { method: 'DELETE' });
    expect(response.headers.get('allow')?.split(', ')).toEqual(expect.arrayContaining(['GET', 'HEAD']));
    expect(await problemOf(response)).toMatchObject({ code: 'method_not_allowed', status: 405 });
    expect((await call('/v1/files/a/b/c', { method: 'PROPFIND' })).headers.get('allow')).toBe('PUT');
  });

  it('takes an empty body for none, and no key of a body for a prototype', async () => {
    expect(await (await call('/v1/things', { method: 'POST', headers: json, body: '' })).json()).toEqual({ trace: {} });
    expect(await (await call('/v1/things', { method: 'POST', headers: json, body: '{"__proto__":{"admin":true},"a":1}' })).json()).toEqual({ body: { a: 1 }, trace: {} });
  });

  it.each([
    ['nonsense\r\n\r\n', 'invalid_request'],
    [`GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`, 'headers_too_large'],
    ['BREW / HTTP/1.1\r\nHost: x\r\n\r\n', 'invalid_request'],
    ['POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n', 'invalid_request'],
  ])('answers what is not HTTP with a problem, too: %.20j', async (bytes, code) => {
    const { head, problem } = await send(bytes);
    expect(problem.code).toBe(code);
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${problem.status} `));
    expect(head.toLowerCase()).toContain('content-type: application/problem+json');
  });

  it('leaves bodies to the routes that stream them, whatever they are', async () => {
    for (const type of ['application/json', 'image/png', 'application/octet-stream']) {
      const body = Buffer.alloc(MAX_BODY_BYTES + 1, '{');
      const response = await call('/v1/files/a/b', { method: 'PUT', headers: { 'content-type': type }, body });
      expect(await response.json()).toEqual({ bytes: body.length, type });
    }
    const refused = await call('/v1/files/a', { method: 'PUT', headers: { 'x-refuse': '1' }, body: 'x' });
    expect(await problemOf(refused)).toMatchObject({ code: 'quota_exceeded' });
    const untyped = await call('/v1/files/a', { method: 'PUT', headers: { 'content-type': 'nonsense' }, body: 'x' });
    expect(await problemOf(untyped)).toMatchObject({ code: 'unsupported_media_type' });
  });

  it.each([['POST', '/v1/things', '{"a":1}'], ['PUT', '/v1/files/a', 'bytes']])('lets a client that waits send its body: %s %s', async (method, path, body) => {
    const waiting = httpRequest(http.url + path, { method, headers: { ...json, expect: '100-continue', 'content-length': body.length } });
    waiting.flushHeaders();
    await once(waiting, 'continue');
    waiting.end(body);
    const [response] = (await once(waiting, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBeLessThan(300);
    response.resume();
  });

  it('lets nobody send a body that is refused', async () => {
    const waiting = httpRequest(`${http.url}/v1/files/a`, { method: 'PUT', headers: { expect: '100-continue', 'content-length': 5, 'x-refuse': '1' } });
    let told = false;
    waiting.on('continue', () => (told = true));
    waiting.flushHeaders();
    const [response] = (await once(waiting, 'response')) as [IncomingMessage];
    expect([response.statusCode, told]).toEqual([413, false]);
    waiting.destroy();
  });

  it('waits for a body only so long, except where the route streams it', async () => {
    const other = await start(200);
    const slowly = (method: string, path: string) => {
      const request = httpRequest(other.url + path, { method, headers: { ...json, 'content-length': 7 } });
      request.write('{"a"');
      return request;
    };
    const stuck = slowly('POST', '/v1/things');
    const streamed = slowly('PUT', '/v1/files/a');
    const [refused] = (await once(stuck, 'response')) as [IncomingMessage];
    expect([refused.statusCode, refused.headers.connection]).toEqual([408, 'close']);
    refused.resume();
    await once(refused, 'close');
    streamed.end(':1}');
    const [response] = (await once(streamed, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(200);
    response.resume();
    await other.close();
  });

  it('logs one line per request: never the query, and the trace that it is part of', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const headers = { ...json, 'x-request-id': 'one-line', traceparent, authorization: 'Bearer hidden' };
    const response = await call('/v1/things?X-Amz-Signature=hidden', { method: 'POST', headers, body: '{}' });
    expect(await response.json()).toMatchObject({ trace: { trace_id: '4bf92f3577b34da6a3ce929d0e0e4736' } });
    const own = await until(() => {
      const found = lines.filter((line) => line['request_id'] === 'one-line');
      return found.length > 0 && found;
    });
    expect(own).toEqual([expect.objectContaining({ msg: 'request', method: 'POST', path: '/v1/things', status: 201, ms: expect.any(Number), trace_id: '4bf92f3577b34da6a3ce929d0e0e4736' })]);
    expect(JSON.stringify(lines)).not.toContain('hidden');
  });

  it('knows the trace behind a body that comes in parts', async () => {
    const headers = { ...json, traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' };
    const slowly = httpRequest(`${http.url}/v1/things`, { method: 'POST', headers });
    slowly.write('{"a"');
    await once(slowly, 'socket');
    await call('/v1/things/x');
    slowly.end(':1}');
    const [response] = await once(slowly, 'response');
    expect(JSON.parse(String(await once(response, 'data')))).toEqual({ body: { a: 1 }, trace: { trace_id: '4bf92f3577b34da6a3ce929d0e0e4736' } });
  });

  it('ends at once though clients keep their connections', async () => {
    const other = await start();
    const agent = new Agent({ keepAlive: true });
    const [response] = await once(httpRequest(`${other.url}/v1/things/x`, { agent }).end(), 'response');
    response.resume();
    await once(response, 'end');
    const began = performance.now();
    await Promise.all([other.close(), other.close()]);
    expect(performance.now() - began).toBeLessThan(1_000);
    agent.destroy();
  });

  it('finishes the stream that is under way, and does not wait for its connection', async () => {
    const other = await start();
    const agent = new Agent({ keepAlive: true });
    slow = Promise.withResolvers();
    const [response] = (await once(httpRequest(`${other.url}/v1/slow`, { agent }).end(), 'response')) as [IncomingMessage];
    const closing = other.close();
    await until(() => fetch(`${other.url}/v1/things/x`).then(() => false, () => true));
    slow.resolve();
    const began = performance.now();
    expect(Buffer.concat(await response.toArray()).toString()).toBe('first and last');
    await closing;
    expect(performance.now() - began).toBeLessThan(1_000);
    agent.destroy();
  });

  it('gives streams two seconds to end', async () => {
    const other = await start();
    const response = await fetch(`${other.url}/v1/endless`);
    const reader = response.body!.getReader();
    expect(Buffer.from((await reader.read()).value).toString()).toBe('first');
    const began = performance.now();
    await other.close();
    expect(performance.now() - began).toBeLessThan(4_000);
    await expect(reader.read()).rejects.toThrow();
  });
});
