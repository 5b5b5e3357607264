import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  AbortUpload, CompleteUpload, ConfirmUpload, GetQuota, GetUpload, GrowUpload, objectKey, ReleaseUpload, ReserveUpload, type ReplyOf, type RequestOf,
} from '@kgpu/contracts';
import { startSeaweed } from '@kgpu/object-store/testing';
import { commandId, seaweedConfig, startFiles, type FilesUnderTest } from '../testing.ts';

const MIB = 1024 ** 2;
const drive = 'user-7';
const seaweed = await startSeaweed();

describe('into a folder', () => uploadsInto({}));
if (seaweed.options === null) {
  describe.skip(`uploads into SeaweedFS (${seaweed.reason})`, () => {
    it('are as those into a folder', () => {});
  });
} else {
  afterAll(seaweed.stop);
  const config = seaweedConfig(seaweed.options);
  describe('into SeaweedFS', () => uploadsInto(config));
}

function uploadsInto(config: Record<string, string>): void {
  let files: FilesUnderTest;
  beforeEach(async () => void (files = await startFiles({ KGPU_USER_QUOTA_BYTES: String(100 * MIB), ...config })));
  afterEach(async () => {
    // A bucket may be of several cases.
    for (const upload of await storeUploads()) await files.store.uploads.abort(upload);
    await files.store.deleteMany((await files.paths(drive)).map((path) => objectKey(drive, path)));
    await files.close();
  });

  const reserve = async (path: string, size: number | null, more: Partial<RequestOf<typeof ReserveUpload>> = {}) => (await files.ask(ReserveUpload, {
    command_id: commandId(), drive, by: 7, path, way: 'presigned', size, content_type: null, expires_seconds: 60, ...more,
  })).upload;
  const quota = () => files.ask(GetQuota, { drive });
  const get = (upload_id: string, by = 7, more: { from?: number; count?: number } = {}) => files.ask(GetUpload, { upload_id, by, ...more });
  const complete = (upload_id: string) => files.ask(CompleteUpload, { command_id: commandId(), upload_id, by: 7 });
  const putPart = async ({ url, headers, size }: ReplyOf<typeof GetUpload>['parts'][number], bytes = size) => {
    const { 'Content-Length': _, ...sent } = headers;
    return (await fetch(url, { method: 'PUT', headers: sent, body: Buffer.alloc(bytes, 7) })).status;
  };
  const storeUploads = () => files.store.uploads.list({ before: new Date(Date.now() + 60_000), prefix: objectKey(drive, '') });

  describe('uploads in parts', () => {
    it('resume after any part, and become the file at once', async () => {
      const size = 16 * MIB + 5;
      const { upload_id, part_bytes } = await reserve('big', size, { way: 'parts', expires_seconds: 604_800 });
      expect(part_bytes).toBe(16 * MIB);
      const first = await get(upload_id);
      expect(first).toMatchObject({ part_count: 2, uploaded_bytes: 0, parts: [{ part_number: 1, size: 16 * MIB, etag: null }, { part_number: 2, size: 5, etag: null }] });
      expect(await putPart(first.parts[1]!, 4)).toBe(403);
      expect(await putPart(first.parts[0]!)).toBe(200);
      await expect(complete(upload_id)).rejects.toMatchObject({ code: 'invalid_request', fields: { missing_parts: 1, errors: [{ pointer: '/parts/2' }] } });
      await files.restart();
      const rest = await get(upload_id, 7, { from: 2, count: 1 });
      expect(rest).toMatchObject({ uploaded_bytes: 16 * MIB, parts: [{ part_number: 2, etag: null }] });
      expect(await putPart(rest.parts[0]!)).toBe(200);
      const completed = await complete(upload_id);
      expect(completed).toMatchObject({ drive, path: 'big', size });
      expect(await complete(upload_id)).toEqual(completed);
      expect(await quota()).toMatchObject({ used_bytes: size, reserved_bytes: 0 });
      expect((await files.store.head(objectKey(drive, 'big')))?.size).toBe(size);
    });

    it('are their user\'s alone, and gone when they are aborted', async () => {
      const { upload_id } = await reserve('big', 20 * MIB, { way: 'parts' });
      const { parts: [part] } = await get(upload_id);
      await putPart(part!);
      await expect(get(upload_id, 8)).rejects.toMatchObject({ code: 'upload_not_found' });
      await expect(get('up-user-8-00')).rejects.toMatchObject({ code: 'upload_not_found' });
      const abort = () => files.ask(AbortUpload, { command_id: commandId(), upload_id, by: 7 });
      expect(await abort()).toEqual(await abort());
      await expect(get(upload_id)).rejects.toMatchObject({ code: 'upload_not_found' });
      await expect(complete(upload_id)).rejects.toMatchObject({ code: 'upload_not_found' });
      expect(await quota()).toMatchObject({ used_bytes: 0, reserved_bytes: 0 });
      expect(await storeUploads()).toEqual([]);
    });

    it('may be larger than one request takes, and have names as long as they come', async () => {
      await files.restart(async () => void (files.context.config.KGPU_USER_QUOTA_BYTES = 1e12));
      const path = Array.from({ length: 4 }, () => 'ü'.repeat(120)).join('/');
      const { upload_id, part_bytes } = await reserve(path, 50 * 1024 ** 3, { way: 'parts' });
      expect(part_bytes).toBe(52 * MIB);
      const { part_count, parts } = await get(upload_id, 7, { count: 1_000 });
      expect(part_count).toBe(985);
      expect(parts.length).toBeGreaterThan(100);
      expect((await get(upload_id, 7, { from: 985, count: 1_000 })).parts).toMatchObject([{ part_number: 985, size: 50 * 1024 ** 3 - 984 * 52 * MIB }]);
      expect((await get(upload_id, 7, { from: 986 })).parts).toEqual([]);
    });

    it('that were completed in the store before a crash are complete', async () => {
      const { upload_id, store_upload_id } = await reserve('big', 5, { way: 'parts' });
      await putPart((await get(upload_id)).parts[0]!);
      const upload = { key: objectKey(drive, 'big'), upload_id: store_upload_id! };
      await files.store.uploads.complete(upload, await files.store.uploads.listParts(upload));
      expect(await complete(upload_id)).toMatchObject({ size: 5 });
      expect(await quota()).toMatchObject({ used_bytes: 5, reserved_bytes: 0 });
    });

    it('that are abandoned are given up with their parts, once their time is over', async () => {
      await reserve('big', 20 * MIB, { way: 'parts', expires_seconds: 604_800 });
      files.clock.advance(7 * 24 * 3_600_000 + 3_599_000);
      await files.service.sweep.look();
      expect(await quota()).toMatchObject({ reserved_bytes: 20 * MIB });
      files.clock.advance(2_000);
      await files.service.sweep.look();
      expect(await quota()).toMatchObject({ reserved_bytes: 0 });
      expect(await storeUploads()).toEqual([]);
    });

    it('that no fact knows are removed from the store, and no others', async () => {
      const known = await reserve('big', 20 * MIB, { way: 'parts' });
      await files.store.uploads.begin(objectKey(drive, 'stray'));
      await files.service.sweep.removeStrays(new Date(Date.now() + 3_500_000));
      expect(await storeUploads()).toHaveLength(2);
      await files.service.sweep.removeStrays(new Date(Date.now() + 3_660_000));
      expect((await storeUploads()).map(({ upload_id }) => upload_id)).toEqual([known.store_upload_id]);
    });

    it('of unknown length grow as far as there is room', async () => {
      const { upload_id, part_bytes, store_upload_id } = await reserve('log', null, { way: 'streamed_parts' });
      expect(part_bytes).toBe(8 * MIB);
      const grow = (size: number) => files.ask(GrowUpload, { command_id: commandId(), drive, upload_id, size });
      await grow(90 * MIB);
      await expect(grow(101 * MIB)).rejects.toMatchObject({ code: 'quota_exceeded' });
      expect(await quota()).toMatchObject({ reserved_bytes: 90 * MIB });
      const upload = { key: objectKey(drive, 'log'), upload_id: store_upload_id! };
      const part = await files.store.uploads.putPart(upload, 1, [Buffer.from('abc')] as unknown as AsyncIterable<Uint8Array>, 3);
      const { etag } = await files.store.uploads.complete(upload, [part]);
      await files.ask(ConfirmUpload, { command_id: commandId(), drive, upload_id, size: 3, etag });
      expect(await quota()).toMatchObject({ used_bytes: 3, reserved_bytes: 0 });
    });
  });

  describe('uploads that nobody tells of', () => {
    it('are counted by the sweeper, and their room is free when they have not come long after their URL expired', async () => {
      await reserve('a', 3);
      await reserve('b', 5);
      await files.put(drive, 'a', 'abc');
      files.clock.advance(11_000);
      await files.service.sweep.look();
      expect(await files.facts(drive)).toEqual(['UploadReserved', 'UploadReserved', 'UploadConfirmed']);
      files.clock.advance(3_600_000 + 60_000);
      await files.service.sweep.look();
      expect((await files.facts(drive)).at(-1)).toBe('UploadReleased');
      expect(await quota()).toMatchObject({ used_bytes: 3, reserved_bytes: 0 });
    });

    it('are not taken for the older file of the same size', async () => {
      await files.put(drive, 'a', 'old');
      const { upload_id } = await reserve('a', 3);
      await expect(files.ask(ConfirmUpload, { command_id: commandId(), drive, upload_id, size: null, etag: null })).rejects.toMatchObject({ code: 'file_not_found' });
      await files.put(drive, 'a', 'new');
      expect(await files.ask(ConfirmUpload, { command_id: commandId(), drive, upload_id, size: null, etag: null })).toMatchObject({ size: 3 });
    });

    it('and come after their room was given up count all the same, soon', async () => {
      const { upload_id } = await reserve('a', 4);
      await files.ask(ReleaseUpload, { command_id: commandId(), drive, upload_id, reason: 'expired' });
      await files.put(drive, 'a', 'late');
      expect(await files.ask(ConfirmUpload, { command_id: commandId(), drive, upload_id, size: 4, etag: null })).toMatchObject({ size: 4 });
      await files.service.reconcilePolicy.idle();
      expect(await quota()).toMatchObject({ used_bytes: 4, reserved_bytes: 0 });
    });
  });

  describe('a reservation', () => {
    it('depends on what has the path', async () => {
      const etag = await files.put(drive, 'a', 'old');
      await expect(reserve('a', 1, { create_only: true })).rejects.toMatchObject({ code: 'precondition_failed' });
      await expect(reserve('a', 1, { if_match: 'other' })).rejects.toMatchObject({ code: 'precondition_failed' });
      await expect(reserve('b', 1, { if_match: '*' })).rejects.toMatchObject({ code: 'precondition_failed' });
      expect(await reserve('a', 1, { if_match: etag })).toMatchObject({ replaces: true });
      await expect(reserve('', 1)).rejects.toMatchObject({ code: 'conflict' });
      await expect(reserve('a/../b', 1)).rejects.toMatchObject({ code: 'invalid_path' });
      await expect(reserve('c', null)).rejects.toMatchObject({ code: 'invalid_request' });
      await expect(reserve('c', 6 * 1024 ** 3)).rejects.toMatchObject({ code: 'payload_too_large' });
    });

    it('is made once, however often one command comes', async () => {
      const command_id = commandId();
      const first = await reserve('a', 5, { command_id });
      expect(await reserve('a', 5, { command_id })).toEqual(first);
      expect(await quota()).toMatchObject({ reserved_bytes: 5 });
    });
  });
}
