import { describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiskObjectStore } from './disk-object-store.ts';
import { openObjectStore } from './open-object-store.ts';
import { S3ObjectStore } from './s3-object-store.ts';

const disk = { baseUrl: 'http://localhost:8080', secret: 'a secret of thirty-two characters' };
const s3 = { KGPU_DATA_DIR: '/nowhere', KGPU_S3_ENDPOINT: 'http://seaweedfs:8333', KGPU_S3_BUCKET: 'lab', KGPU_S3_ACCESS_KEY_ID: 'a', KGPU_S3_SECRET_ACCESS_KEY: 'b' };
const minute = { expiresSeconds: 60, now: 0 };

describe('the configured object store', () => {
  it('is a folder in the data folder when no S3 is named', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kgpu-open-'));
    const store = await openObjectStore({ KGPU_DATA_DIR: folder }, disk);
    expect(store).toBeInstanceOf(DiskObjectStore);
    expect(store.presignGet('é', minute)).toMatch(/^http:\/\/localhost:8080\/objects\/%C3%A9\?expires=60&signature=[0-9a-f]{64}$/);
    await store.close();
    await rm(folder, { recursive: true });
  });

  it('is the S3 that is named, with URLs of its public endpoint', async () => {
    const store = await openObjectStore({ ...s3, KGPU_S3_PUBLIC_ENDPOINT: 'https://files.example.org/s3/' }, disk);
    expect(store).toBeInstanceOf(S3ObjectStore);
    expect(store.presignGet('a', minute)).toMatch(/^https:\/\/files\.example\.org\/s3\/lab\/a\?X-Amz-/);
    expect((await openObjectStore(s3, disk)).presignGet('a', minute)).toMatch(/^http:\/\/seaweedfs:8333\/lab\/a\?/);
  });

  it.each([
    [{ KGPU_S3_BUCKET: undefined }, 'KGPU_S3_BUCKET'], [{ KGPU_S3_SECRET_ACCESS_KEY: undefined }, 'KGPU_S3_SECRET_ACCESS_KEY'],
    [{ KGPU_S3_ENDPOINT: 'seaweedfs:8333' }, 'KGPU_S3_ENDPOINT'], [{ KGPU_S3_PUBLIC_ENDPOINT: 'x' }, 'KGPU_S3_PUBLIC_ENDPOINT'],
  ])('is refused with the name of the setting that is wrong: %j', async (wrong, name) => {
    await expect(openObjectStore({ ...s3, ...wrong }, disk)).rejects.toMatchObject({ name: 'ConfigError', message: expect.stringContaining(`${name}:`) });
  });
});
