import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { DeleteFiles, GetQuota, MakeFolder, objectKey, ReserveUpload, TransferFiles, type Message, type RequestOf } from '@kgpu/contracts';
import { startSeaweed } from '@kgpu/object-store/testing';
import { commandId, seaweedConfig, startFiles, type FilesUnderTest } from './testing.ts';

const drive = 'user-7';
const seaweed = await startSeaweed();
if (seaweed.options !== null) afterAll(seaweed.stop);
const deaf: Server[] = [];
let files: FilesUnderTest;
afterEach(async () => {
  await files.close();
  for (const server of deaf.splice(0)) server.close();
});

const base = () => ({ command_id: commandId(), drive, by: 7 });
const reserve = (way: 'streamed' | 'parts') => ({ ...base(), path: 'a', way, size: 10, content_type: null, expires_seconds: 60, guards_delete: true }) as const;

/** It is told within 5 s, which is as long as askers wait. */
async function expectUnavailable<M extends Message>(message: M, request: RequestOf<M>): Promise<void> {
  const began = performance.now();
  await expect(files.ask(message, request)).rejects.toMatchObject({ code: 'object_store_unavailable' });
  expect(performance.now() - began).toBeLessThan(5_000);
}

/** Takes connections and never answers, or, with port 1, nothing listens at all. */
async function endpoint(hangs: boolean): Promise<string> {
  if (!hangs) return 'http://127.0.0.1:1';
  const server = createServer(() => undefined).listen(0, '127.0.0.1');
  deaf.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe.each([['is down', false], ['hangs', true]] as const)('an object store that %s', (_, hangs) => {
  it('is told within 5 s, whatever is asked; no room is held, and nothing is recorded to be done', async () => {
    const url = await endpoint(hangs);
    files = await startFiles({ KGPU_S3_ENDPOINT: url, KGPU_S3_BUCKET: 'b', KGPU_S3_ACCESS_KEY_ID: 'a', KGPU_S3_SECRET_ACCESS_KEY: 's' });
    await Promise.all([
      expectUnavailable(ReserveUpload, reserve('streamed')),
      expectUnavailable(ReserveUpload, reserve('parts')),
      expectUnavailable(MakeFolder, { ...base(), path: 'd' }),
      expectUnavailable(DeleteFiles, { ...base(), path: 'b', scope: 'file' }),
      expectUnavailable(DeleteFiles, { ...base(), path: 'b', scope: 'folder' }),
      expectUnavailable(TransferFiles, { ...base(), path: 'b', to: 'c', kind: 'copy', overwrite: true }),
    ]);
    expect(new Set(await files.facts(drive))).toEqual(new Set(['UploadRefused']));
    expect(await files.ask(GetQuota, { drive })).toMatchObject({ used_bytes: 0, reserved_bytes: 0 });
    expect(await files.ask(DeleteFiles, { ...base(), path: 'a', scope: 'file', may_be_guarded: true })).toMatchObject({ guarded: true });
    expect((await files.context.health.check()).parts).toMatchObject({ files: { ok: true }, object_store: { ok: false } });
  }, 30_000);
});

(seaweed.options === null ? describe.skip : describe)(`an object store that stops in the middle${seaweed.options === null ? ` (${seaweed.reason})` : ''}`, () => {
  it('is told, and the same command does it once the store is back', async () => {
    if (seaweed.options === null) return;
    files = await startFiles(seaweedConfig(seaweed.options));
    await files.put(drive, 'd/a', 'abc');
    const deletion = { ...base(), path: 'd', scope: 'folder' as const };
    seaweed.freeze();
    try {
      await expectUnavailable(DeleteFiles, deletion);
    } finally {
      seaweed.thaw();
    }
    expect(await files.ask(DeleteFiles, deletion, 20_000)).toMatchObject({ deleted: 1 });
    expect(await files.store.head(objectKey(drive, 'd/a'))).toBeNull();
  }, 60_000);
});
