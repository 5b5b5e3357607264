import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { steadyBody } from './steady-body.ts';

let server: Server;
afterEach(async () => {
  server.closeAllConnections();
  await once(server.close(), 'close');
});

/** What becomes of a body that is read with this patience. */
async function reading(idleMs: number) {
  const { promise: outcome, resolve } = Promise.withResolvers<string>();
  server = createServer((incoming, response) => void (async () => {
    let text = '';
    try {
      for await (const chunk of steadyBody(incoming, idleMs)) text += Buffer.from(chunk).toString();
      resolve(text);
    } catch (error) {
      resolve((error as { code: string }).code);
    }
    response.end('the connection stands');
  })()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const outgoing = request({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', method: 'PUT' });
  outgoing.on('error', () => {});
  return { outgoing, outcome };
}

describe('a steady body', () => {
  it('may take as long as it likes while something comes', async () => {
    const { outgoing, outcome } = await reading(300);
    for (let n = 0; n < 8; n++) {
      outgoing.write('x');
      await delay(60);
    }
    outgoing.end('!');
    expect(await outcome).toBe('xxxxxxxx!');
  });

  it('is given up when nothing comes, in a way that lets the client hear of it', async () => {
    const { outgoing, outcome } = await reading(50);
    const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
    outgoing.write('x');
    expect(await outcome).toBe('request_timeout');
    const [response] = await answered;
    expect(String(await once(response, 'data'))).toBe('the connection stands');
  });

  it('is not valid when it breaks off', async () => {
    const { outgoing, outcome } = await reading(5_000);
    outgoing.write('x');
    await once(server, 'request');
    outgoing.destroy();
    expect(await outcome).toBe('invalid_request');
  });
});
