/** A folder of 10,000 files over WebDAV: against bare listings of the store, and against `rclone serve webdav` on the same files. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DiskObjectStore } from '@kgpu/object-store';
import { spawnStandalone } from '@kgpu/standalone/testing';
import type { Row } from './row.ts';

const FILES = 10_000;
const IN_FLIGHT = 64;
const ROUNDS = 12;
/** What rclone 1.75 asks for. */
const WANTED = '<propfind xmlns="DAV:"><prop><displayname/><getlastmodified/><getcontentlength/><resourcetype/></prop></propfind>';

export async function run(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'kgpu-bench-dav-'));
  const plain = join(folder, 'plain', 'many');
  mkdirSync(plain, { recursive: true });
  const store = await DiskObjectStore.open({ folder: join(folder, 'objects'), baseUrl: 'http://localhost', secret: 'x'.repeat(32) });
  const system = await spawnStandalone({ KGPU_DATA_DIR: folder, KGPU_PORT: '0', KGPU_COMPUTE: 'process', KGPU_LOG_LEVEL: 'warn', KGPU_RATE_LIMIT_PER_MINUTE: '100000000' });
  const rclone = await serveWithRclone(join(folder, 'plain'));
  try {
    await fill(store, plain);
    const authorization = { authorization: `Bearer ${system.adminToken}` };
    const ours = `${system.url}/v1/files/many/`;
    const [listing, propfind, packed, all, theirs] = await interleaved([
      () => listAll(store),
      () => timed(ours, authorization, WANTED),
      () => timed(ours, { ...authorization, 'accept-encoding': 'gzip' }, WANTED),
      () => timed(ours, authorization, ''),
      ...(rclone === null ? [] : [() => timed(`${rclone.url}/many/`, {}, WANTED)]),
    ]);
    return [
      { what: 'ten raw list pages of the store', value: listing!, unit: 'ms' },
      { what: 'PROPFIND of 10,000 entries', value: propfind!, unit: 'ms', ratio: propfind! / listing!, to: 'ten raw list pages' },
      { what: 'PROPFIND of 10,000 entries, gzip', value: packed!, unit: 'ms', ratio: packed! / listing!, to: 'ten raw list pages' },
      { what: 'PROPFIND of 10,000 entries, all properties', value: all!, unit: 'ms', ratio: all! / listing!, to: 'ten raw list pages' },
      ...(theirs === undefined ? [] : [{ what: 'the same of rclone serve webdav', value: theirs, unit: 'ms', ratio: theirs / propfind!, to: 'ours' }]),
    ];
  } finally {
    rclone?.child.kill();
    await system.stop();
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fill(store: DiskObjectStore, plain: string): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: IN_FLIGHT }, async () => {
    while (next < FILES) {
      const name = `file-${String(next++).padStart(5, '0')}.bin`;
      writeFileSync(join(plain, name), 'x');
      await store.put(`users/1/many/${name}`, one(), 1);
    }
  }));
}

async function* one(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('x');
}

async function listAll(store: DiskObjectStore): Promise<number> {
  const begun = performance.now();
  let seen = 0;
  for (let cursor: string | null | undefined; cursor !== null;) {
    const page = await store.list({ prefix: 'users/1/many/', delimiter: '/', limit: 1_000, ...(cursor !== undefined && { cursor }) });
    seen += page.objects.length;
    cursor = page.next_cursor;
  }
  if (seen !== FILES) throw new Error(`${seen} objects listed`);
  return performance.now() - begun;
}

/** Milliseconds until the last byte. */
function timed(url: string, headers: Record<string, string>, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    const sent = request(url, { method: 'PROPFIND', headers: { depth: '1', ...headers } }, (response) => {
      if (response.statusCode !== 207) reject(new Error(`PROPFIND: ${response.statusCode}`));
      response.on('end', () => resolve(performance.now() - begun)).resume();
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** The best of some rounds each, taken in turns: what else the machine does then meets all of them. */
async function interleaved(measures: (() => Promise<number>)[]): Promise<number[]> {
  const best = measures.map(() => Infinity);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, measure] of measures.entries()) best[index] = Math.min(best[index]!, await measure());
  }
  return best;
}

/** Null where there is no rclone. */
async function serveWithRclone(folder: string): Promise<{ url: string; child: ChildProcess } | null> {
  const port = await freePort();
  const child = spawn('rclone', ['serve', 'webdav', folder, '--addr', `127.0.0.1:${port}`, '--config', join(folder, 'none.conf')], { stdio: 'ignore' });
  let gone = false;
  child.on('error', () => (gone = true));
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 100 && !gone; tries++) {
    if (await fetch(url).then(() => true, () => false)) return { url, child };
    await delay(50);
  }
  child.kill();
  return null;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
