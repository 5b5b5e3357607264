import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import fastify, { type FastifyInstance } from 'fastify';
import { Result } from '../http/result.ts';
import { answer } from './early-answer.ts';

let server: FastifyInstance;
afterEach(() => server.close());

function* endless(): Generator<Buffer> {
  for (;;) yield Buffer.alloc(64 * 1024);
}

describe('an answer that nobody reads', () => {
  it('is ended, and what it came from is let go', async () => {
    const body = Readable.from(endless());
    server = fastify();
    server.get('/', async (request, reply) => {
      await answer(request, reply, new Result(body, 200, { 'content-type': 'application/octet-stream' }), 100);
      return reply;
    });
    await server.listen({ port: 0, host: '127.0.0.1' });
    const client = connect((server.server.address() as AddressInfo).port, '127.0.0.1');
    client.on('error', () => {});
    client.pause();
    client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(body, 'close');
    expect(body.destroyed).toBe(true);
    client.destroy();
  });
});
