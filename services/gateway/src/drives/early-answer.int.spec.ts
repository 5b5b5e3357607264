import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:net';
import { testGateway, type TestGateway } from '../testing.ts';

const MB = 1_000_000;

describe('an answer that needs no body', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await testGateway();
  });
  afterAll(() => gateway.close());

  /** Sends all of it before it looks at the answer, as simple clients do; what came back by the end of the connection. */
  const stubborn = async (head: string, bytes: number) => {
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
    let [reply, broken] = ['', ''];
    socket.on('error', (error: NodeJS.ErrnoException) => (broken = error.code ?? 'broken'));
    socket.pause();
    socket.write(`PUT /v1/files/shared/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${gateway.adminToken}\r\n${head}\r\n\r\n`);
    const chunk = Buffer.alloc(MB);
    for (let sent = 0; sent < bytes; sent += MB) if (!socket.write(chunk)) await once(socket, 'drain');
    socket.on('data', (data: Buffer) => (reply += data.toString()));
    socket.resume();
    await once(socket, 'close');
    return { reply, broken };
  };

  it('reaches a client that sends everything first, and ends the connection', async () => {
    const { reply, broken } = await stubborn(`Content-Length: ${20 * MB}`, 20 * MB);
    expect(reply).toMatch(/^HTTP\/1\.1 404 /);
    expect(reply.toLowerCase()).toContain('connection: close');
    expect(reply).toContain('"code":"org_not_found"');
    expect(broken).toBe('');
  });

  it('comes before the body when the client waits for it, without a word to go on', async () => {
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
    socket.write(`PUT /v1/files/shared/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${gateway.adminToken}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n`);
    let reply = '';
    for await (const data of socket) reply += String(data);
    expect(reply).toMatch(/^HTTP\/1\.1 404 /);
    expect(reply).not.toContain('100 Continue');
  });

  it('leaves the connection as it was where there is no body', async () => {
    const replies = [await gateway.call('GET /v1/files/none'), await gateway.call('DELETE /v1/files/?confirm=no')];
    expect(replies.map(({ status, headers }) => [status, headers.get('connection')])).toEqual([[404, 'keep-alive'], [422, 'keep-alive']]);
  });
});
