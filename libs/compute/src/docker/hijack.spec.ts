import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineError } from '../exec-queue.ts';
import { Hijacked, hijack } from './hijack.ts';

const folders: string[] = [];
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** Something that answers as an engine might, byte for byte. */
async function engine(answer: (socket: Socket, request: string) => unknown): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'kgpu-hijack-'));
  folders.push(folder);
  const socketPath = join(folder, 's');
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (request) => void answer(socket, request.toString()));
  }).listen(socketPath);
  servers.push(server);
  await once(server, 'listening');
  return socketPath;
}

const upgraded = 'HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n';

async function read(connection: Hijacked): Promise<string> {
  let text = '';
  await connection.read((bytes) => void (text += bytes.toString()));
  return text;
}

describe('a connection that the engine hands over', () => {
  it.each([1, 7, 1_000])('is read from its first byte, whatever came with the head (%d bytes at a time)', async (size) => {
    const all = `${upgraded}one two three`;
    const socketPath = await engine(async (socket) => {
      socket.setNoDelay();
      for (let at = 0; at < all.length; at += size) {
        socket.write(all.slice(at, at + size));
        await new Promise(setImmediate);
      }
      socket.end();
    });
    const connection = await hijack({ socketPath }, '/exec/1/start', {});
    expect(await read(connection as Hijacked)).toBe('one two three');
  });

  it('carries bytes the other way', async () => {
    const socketPath = await engine((socket, request) => {
      expect(request).toMatch(/^POST \/exec\/1\/start HTTP\/1\.1\r\n[^]*Content-Length: 7\r\n[^]*\r\n\r\n\{"a":1\}$/);
      socket.write(upgraded);
      socket.on('data', (bytes) => socket.end(`got ${bytes.toString()}`));
    });
    const connection = (await hijack({ socketPath }, '/exec/1/start', { a: 1 })) as Hijacked;
    connection.socket.write('input');
    expect(await read(connection)).toBe('got input');
  });

  it('ends when it is cut, also while its bytes are held', async () => {
    const socketPath = await engine((socket) => {
      socket.write(`${upgraded}some`);
      setImmediate(() => socket.destroy());
    });
    const connection = (await hijack({ socketPath }, '/', {})) as Hijacked;
    let text = '';
    await connection.read(async (bytes) => {
      await new Promise(setImmediate);
      text += bytes.toString();
    });
    expect(text).toBe('some');
  });
});

describe('any other answer of the engine', () => {
  it.each([
    ['with a length', 'HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 31\r\n\r\n{"message":"No such container"}'],
    ['in chunks', 'HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{"message":"No s\r\nf\r\nuch container"}\r\n0\r\n\r\n'],
  ])('comes as it is, %s', async (_how, answer) => {
    const socketPath = await engine(async (socket) => {
      for (const part of answer.match(/[^]{1,20}/g)!) {
        socket.write(part);
        await new Promise(setImmediate);
      }
    });
    expect(await hijack({ socketPath }, '/', {})).toMatchObject({ status: 404, body: { message: 'No such container' } });
  });

  it.each<[string, string, (socket: Socket) => unknown]>([
    ['is none', 'no answer within 200 ms', () => {}],
    ['is cut', 'the connection ended before it did', (socket) => socket.end('HTTP/1.1 101 UPG')],
    ['is no HTTP', 'something that is no HTTP', (socket) => socket.write('x'.repeat(70_000))],
  ])('is an EngineError that says why when it %s', async (_what, why, answer) => {
    const socketPath = await engine(answer);
    const failed = hijack({ socketPath }, '/', {}, 200);
    await expect(failed).rejects.toThrow(EngineError);
    await expect(failed).rejects.toThrow(why);
  });

  it('is an EngineError when nobody listens', async () => {
    const failed = hijack({ socketPath: '/nowhere/docker.sock' }, '/', {});
    await expect(failed).rejects.toThrow(EngineError);
    await expect(failed).rejects.toThrow('ENOENT');
  });
});
