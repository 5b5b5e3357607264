import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { fastify as newFastify, type FastifyInstance } from 'fastify';
import { get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LiveStreams, type Produce } from './live-streams.ts';

const PIECE = 65_536;
let fastify: FastifyInstance;
let produce: Produce;
beforeEach(async () => {
  fastify = newFastify();
  const streams = new LiveStreams();
  fastify.get('/', (_request, reply) => void reply.header('content-type', 'application/octet-stream').send(streams.open((signal) => produce(signal))));
  await fastify.listen({ port: 0, host: '127.0.0.1' });
});
afterEach(async () => {
  fastify.server.closeAllConnections();
  await fastify.close();
});

const open = async (): Promise<IncomingMessage> => {
  const request = get(`http://127.0.0.1:${(fastify.server.address() as AddressInfo).port}/`, { agent: false });
  request.on('error', () => {});
  return ((await once(request, 'response')) as [IncomingMessage])[0];
};

/** Pieces that all lie in the same memory, and how many were made. */
function pieces(count: number): { made: number; ended: Promise<void>; produce: Produce } {
  const ended = Promise.withResolvers<void>();
  const counted = {
    made: 0, ended: ended.promise,
    async *produce() {
      const memory = Buffer.alloc(PIECE);
      try {
        for (; counted.made < count;) {
          memory.fill(counted.made++ % 251);
          yield memory;
        }
      } finally {
        ended.resolve();
      }
    },
  };
  return counted;
}

/** Resolves when nothing has been made for a while: nobody reads, and the buffers of the system are full. */
async function standsStill(counted: { made: number }): Promise<void> {
  for (let before = -1, same = 0; same < 20; same = counted.made === before ? same + 1 : 0, before = counted.made) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('a body of lent pieces', () => {
  it('arrives whole at a client that stops reading, though all pieces lie in the same memory', async () => {
    const counted = pieces(600);
    ({ produce } = counted);
    const response = await open();
    await standsStill(counted);
    const wrong: number[] = [];
    let at = 0;
    for await (const chunk of response) for (const byte of chunk as Buffer) if (byte !== Math.floor(at++ / PIECE) % 251) wrong.push(at - 1);
    expect([at, wrong.slice(0, 3)]).toEqual([600 * PIECE, []]);
  }, 30_000);

  it('is not made further than the system takes when nobody reads, and ends when the client goes', async () => {
    const endless = pieces(Infinity);
    ({ produce } = endless);
    const response = await open();
    await standsStill(endless);
    expect(endless.made * PIECE).toBeLessThan(64 * 1_048_576);
    response.destroy();
    await endless.ended;
  });

  it('is cut off, not ended, when its maker fails', async () => {
    produce = async function* () {
      yield 'some';
      throw new Error('no more');
    };
    const response = await open();
    response.resume();
    await expect(once(response, 'end')).rejects.toThrow('aborted');
  });

  it('may be empty', async () => {
    ({ produce } = pieces(0));
    let bytes = 0;
    for await (const chunk of await open()) bytes += (chunk as Buffer).length;
    expect(bytes).toBe(0);
  });
});
