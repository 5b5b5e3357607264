import { afterAll, describe, expect, it } from '@jest/globals';
import { objectStoreContract } from './object-store.contract.ts';
import type { ObjectStore } from './object-store.ts';
import { S3ObjectStore } from './s3-object-store.ts';
import { bodyOf, textOf } from './testing/bytes.ts';
import { freePorts } from './testing/free-ports.ts';
import { startSeaweed } from './testing/start-seaweed.ts';

const seaweed = await startSeaweed();

if (seaweed.options === null) {
  describe.skip(`SeaweedFS (${seaweed.reason})`, () => {
    it('is an object store', () => {});
  });
} else {
  const { options, freeze, thaw, stop } = seaweed;
  afterAll(stop);

  objectStoreContract('SeaweedFS', async () => {
    const store = new S3ObjectStore(options);
    return { store, isSeaweed: true, close: () => store.close() };
  });

  describe('an S3 that hangs', () => {
    it('is unavailable within the deadline, whatever is asked, and is back when it goes on', async () => {
      const store = new S3ObjectStore(options);
      await store.put('hangs', bodyOf('abc'), 3);
      freeze();
      try {
        await expectUnavailable(store, { deadlineMs: 500 }, 1_500);
      } finally {
        thaw();
      }
      expect(await textOf(await store.get('hangs'))).toBe('abc');
      await store.close();
    });
  });
}

describe('an S3 that is not usable', () => {
  const credentials = { bucket: 'kgpu', accessKeyId: 'a', secretAccessKey: 'b' };

  it('is unavailable when nobody listens', async () => {
    const [port] = await freePorts(1);
    const store = new S3ObjectStore({ endpoint: `http://127.0.0.1:${port}`, ...credentials });
    await expectUnavailable(store, {}, 5_000);
    await store.close();
  });

  (seaweed.options === null ? it.skip : it)('is unavailable when it does not know us, or has no such bucket', async () => {
    for (const wrong of [{ secretAccessKey: 'wrong' }, { bucket: 'none' }]) {
      const store = new S3ObjectStore({ ...seaweed.options!, ...wrong });
      await expect(store.check()).rejects.toMatchObject({ code: 'object_store_unavailable' });
      await store.close();
    }
  });
});

async function expectUnavailable(store: ObjectStore, options: { deadlineMs?: number }, withinMs: number): Promise<void> {
  const started = performance.now();
  const calls = [
    store.check(options), store.head('a', options), store.get('a', options), store.list(options), store.put('a', bodyOf('x'), 1, options), store.copy('a', 'b', options),
    store.deleteMany(['a'], options), store.uploads.begin('a', options), store.uploads.list({ before: new Date(), ...options }), store.put('a', bodyOf(Buffer.alloc(20_000_000)), 20_000_000, options),
  ];
  const outcomes = await Promise.allSettled(calls);
  for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'object_store_unavailable' } });
  expect(performance.now() - started).toBeLessThan(withinMs);
}
