/** The mounts of the guide, word for word, with the rclone that Debian has and with today's, on an S3. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { S3ObjectStore, type ObjectStore } from '@kgpu/object-store';
import { startSeaweed, type NoSeaweed, type Seaweed } from '@kgpu/object-store/testing';
import { until } from '@kgpu/runtime/testing';
import type { FrontDoor } from '../front-door.ts';
import { startSystem, type System } from '../system.ts';
import { canMount, mountFiles, mountShared } from './mount.ts';
import { rclones, runProgram, type Ran, type Rclone } from './program.ts';
import { treeIn, treeOf, type Tree } from './tree.ts';

const QUOTA_BYTES = 8_000_000;
const DEADLINE_MS = 120_000;
const found = await rclones();
const seaweed: Seaweed | NoSeaweed = await startSeaweed();
const why = found.length === 0 ? 'there is no rclone' : seaweed.options === null ? seaweed.reason : !canMount ? 'FUSE needs root and /dev/fuse' : null;

/**
 * What people do with files, in a folder of any kind. rclone forgets what it has not uploaded yet of a folder that is moved, so all
 * that is written is let come before.
 */
const session = [
  `mkdir -p data/raw/2026 'with space' 'üni/한글' empty/folder
  printf 'one\\n' > data/raw/one.txt
  head -c 3000000 /dev/zero | tr '\\0' x > data/big.bin
  cp data/raw/one.txt 'with space/a #1? 100%+1 & <b>.txt'
  cp data/raw/one.txt 'üni/한글/naïve.txt'
  cp -r data 'copy of data'
  mv data/raw/one.txt data/raw/2026/first.txt`,
  `mv data/raw/2026 data/moved
  printf 'two\\n' >> data/moved/first.txt
  printf 'new' > 'üni/한글/naïve.txt'
  mkdir gone && printf x > gone/x && rm -r gone
  : > nothing.txt
  rm -r empty
  mv 'copy of data' 'with space/in + it'
  rm 'with space/in + it/big.bin'
  mkdir empty`,
];

describe.each(found.length === 0 ? [{ program: '', version: 'missing' }] : found)('rclone $version', (rclone: Rclone) => {
  const test = why === null ? it : it.skip;
  const because = why === null ? '' : ` (${why})`;
  let system: System;
  let folder: string;
  let bucket: ObjectStore;
  beforeAll(async () => {
    if (seaweed.options === null || why !== null) return;
    const { endpoint, publicEndpoint, region, bucket: name, accessKeyId, secretAccessKey } = seaweed.options;
    folder = mkdtempSync(join(tmpdir(), 'kgpu-rclone-'));
    bucket = new S3ObjectStore(seaweed.options);
    await bucket.deleteMany((await bucket.list()).objects.map(({ key }) => key));
    system = await startSystem({
      KGPU_S3_ENDPOINT: endpoint, KGPU_S3_PUBLIC_ENDPOINT: publicEndpoint!, KGPU_S3_REGION: region!, KGPU_S3_BUCKET: name,
      KGPU_S3_ACCESS_KEY_ID: accessKeyId, KGPU_S3_SECRET_ACCESS_KEY: secretAccessKey, KGPU_USER_QUOTA_BYTES: String(QUOTA_BYTES), KGPU_RATE_LIMIT_PER_MINUTE: '100000',
    });
  }, DEADLINE_MS);
  afterAll(async () => {
    await system?.remove();
    await bucket?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  const mounting = () => ({ base: system.url, token: system.adminToken, rclone });
  const inBucket = (): Promise<Tree> => treeIn(bucket, 'users/1/');
  const remote = (...args: string[]): Promise<Ran> => {
    const options = ['--config', join(folder, 'none.conf'), '--webdav-url', `${system.url}/v1/files/`, '--webdav-vendor', 'other', '--webdav-headers', `Authorization,Bearer ${system.adminToken}`];
    return runProgram(rclone.program, [...args, ...options, '--retries', '1', '--low-level-retries', '1']);
  };

  test(`mounts my drive for writing: what is done in it is what lies in the bucket${because}`, async () => {
    const local = join(folder, 'local');
    mkdirSync(local, { recursive: true });
    const mount = await mountFiles(mounting());
    try {
      for (const step of session) {
        for (const cwd of [local, mount.path]) expect(await runProgram('bash', ['-euc', step], { cwd })).toMatchObject({ code: 0, stderr: '' });
        expect(treeOf(mount.path)).toEqual(treeOf(local));
        await settled(inBucket, treeOf(local));
      }
      const { bsize, blocks } = statfsSync(mount.path);
      expect(Math.abs(bsize * blocks - QUOTA_BYTES)).toBeLessThan(bsize * 2);
    } finally {
      await mount.unmount();
    }
    const again = await mountFiles(mounting());
    try {
      expect(treeOf(again.path)).toEqual(treeOf(local));
    } finally {
      await again.unmount();
    }
    await system.admin.delete('/v1/files/?confirm=all');
  }, DEADLINE_MS);

  test(`mounts the shared drives read-only, and shows them below my drive${because}`, async () => {
    const { user_id } = (await system.admin.get('/v1/me')).body;
    await system.admin.post('/v1/admin/orgs', { slug: 'lab', name: 'Lab', owner_user_id: user_id });
    const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, n) => n % 251));
    await put(system.admin, '/v1/shared/lab/sets/ecg%20%231.bin', bytes);
    const [shared, files] = [await mountShared(mounting()), await mountFiles(mounting())];
    try {
      for (const root of [shared.path, join(files.path, 'shared')]) {
        expect(readdirSync(root)).toEqual(['lab']);
        expect(readFileSync(join(root, 'lab/sets/ecg #1.bin')).equals(bytes)).toBe(true);
      }
      expect(() => writeFileSync(join(shared.path, 'lab/no.txt'), 'x')).toThrow(/EROFS/);
    } finally {
      await Promise.all([shared.unmount(), files.unmount()]);
    }
    expect((await remote('copyto', '/etc/hostname', ':webdav:shared/lab/no.txt')).code).not.toBe(0);
    expect((await bucket.list({ prefix: 'orgs/lab/' })).objects.map(({ key }) => key)).toEqual(['orgs/lab/sets/ecg #1.bin']);
  }, DEADLINE_MS);

  test(`copies, syncs and moves${because}`, async () => {
    const local = join(folder, 'sync');
    mkdirSync(local, { recursive: true });
    for (const step of session) await runProgram('bash', ['-euc', step], { cwd: local });
    expect(await remote('copy', local, ':webdav:backup', '--create-empty-src-dirs')).toMatchObject({ code: 0 });
    expect(below(await inBucket(), 'backup/')).toEqual(treeOf(local));
    rmSync(join(local, 'with space'), { recursive: true });
    expect(await remote('sync', local, ':webdav:backup', '--create-empty-src-dirs')).toMatchObject({ code: 0 });
    expect(below(await inBucket(), 'backup/')).toEqual(treeOf(local));
    expect(await remote('moveto', ':webdav:backup/data', ':webdav:backup/data 2')).toMatchObject({ code: 0 });
    expect(await remote('moveto', ':webdav:backup/nothing.txt', ':webdav:some.txt')).toMatchObject({ code: 0 });
    const tree = await inBucket();
    expect(tree['backup/data 2/moved/first.txt']).toBeDefined();
    expect([tree['backup/data/moved/first.txt'], tree['backup/nothing.txt'], tree['some.txt']]).toEqual([undefined, undefined, expect.any(String)]);
    expect(await remote('purge', ':webdav:backup')).toMatchObject({ code: 0 });
    expect(below(await inBucket(), 'backup/')).toEqual({});
  }, DEADLINE_MS);

  test(`that writes over the quota leaves the old file as it was, and a later deletion works${because}`, async () => {
    writeFileSync(join(folder, 'old.txt'), 'old and dear');
    writeFileSync(join(folder, 'large.bin'), Buffer.alloc(QUOTA_BYTES + 1));
    expect(await remote('copyto', join(folder, 'old.txt'), ':webdav:dear.txt')).toMatchObject({ code: 0 });
    expect((await remote('copyto', join(folder, 'large.bin'), ':webdav:dear.txt')).code).not.toBe(0);
    const kept = await bucket.get('users/1/dear.txt');
    expect(await text(kept!.body)).toBe('old and dear');
    expect(await remote('deletefile', ':webdav:dear.txt')).toMatchObject({ code: 0 });
    expect(await bucket.head('users/1/dear.txt')).toBeNull();
  }, DEADLINE_MS);
});

afterAll(async () => {
  if (seaweed.options !== null) await seaweed.stop();
});

function below(tree: Tree, prefix: string): Tree {
  return Object.fromEntries(Object.entries(tree).filter(([path]) => path.startsWith(prefix)).map(([path, what]) => [path.slice(prefix.length), what]));
}

/** What a mount writes comes some seconds later. */
async function settled(look: () => Promise<Tree>, wanted: Tree): Promise<void> {
  const same = async (): Promise<boolean> => JSON.stringify(sorted(await look())) === JSON.stringify(sorted(wanted));
  await until(same, 30_000).catch(async () => expect(await look()).toEqual(wanted));
}

function sorted(tree: Tree): [string, string][] {
  return Object.entries(tree).sort(([a], [b]) => (a < b ? -1 : 1));
}

async function put(door: FrontDoor, path: string, body: Buffer): Promise<void> {
  const response = await fetch(door.base + path, { method: 'PUT', body: new Uint8Array(body), headers: { authorization: `Bearer ${door.token}` } });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
}

async function text(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
