import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ConfirmUpload, DeleteFiles, GetQuota, MakeFolder, objectKey, ReserveUpload, TransferFiles } from '@kgpu/contracts';
import { startSeaweed } from '@kgpu/object-store/testing';
import { commandId, seaweedConfig, startFiles, type FilesUnderTest } from '../testing.ts';
import { eachOf } from './each-of.ts';

const drive = 'user-7';
const seaweed = await startSeaweed();
let files: FilesUnderTest;

describe('files in a folder', () => filesIn({}));
if (seaweed.options === null) {
  describe.skip(`files in SeaweedFS (${seaweed.reason})`, () => {
    it('are as those in a folder', () => {});
  });
} else {
  afterAll(seaweed.stop);
  const config = seaweedConfig(seaweed.options);
  describe('files in SeaweedFS', () => filesIn(config));
}

const base = () => ({ command_id: commandId(), drive, by: 7 });
const quota = () => files.ask(GetQuota, { drive });
const remove = (path: string, scope: 'file' | 'folder' | 'drive' = 'file') => files.ask(DeleteFiles, { ...base(), path, scope });
const transfer = (kind: 'copy' | 'move', path: string, to: string, overwrite = false, shallow = false) => files.ask(TransferFiles, { ...base(), path, to, kind, overwrite, shallow });
const make = (path: string) => files.ask(MakeFolder, { ...base(), path });
const reserve = (path: string, size: number) => files.ask(ReserveUpload, { ...base(), path, way: 'streamed', size, content_type: null, expires_seconds: 60 });
/** As the gateway uploads. */
async function upload(path: string, text: string): Promise<void> {
  const { upload: { upload_id } } = await reserve(path, text.length);
  await files.ask(ConfirmUpload, { command_id: commandId(), drive, upload_id, size: text.length, etag: await files.put(drive, path, text) });
}

function filesIn(config: Record<string, string>): void {
  beforeEach(async () => void (files = await startFiles(config)));
  // A bucket may be of several cases.
  afterEach(async () => {
    await files.store.deleteMany((await files.paths(drive)).map((path) => objectKey(drive, path)));
    await files.close();
  });

  describe('deletions', () => {
    it('take the file with exactly this name, or else what lies below it', async () => {
      for (const path of ['exp4', 'exp4/a', 'exp4/b/c', 'exp42', 'exp42/a']) await upload(path, 'x');
      expect(await remove('exp4')).toMatchObject({ deleted: 1 });
      expect(await files.paths(drive)).toEqual(['exp4/a', 'exp4/b/c', 'exp42', 'exp42/a']);
      expect(await remove('exp4')).toMatchObject({ deleted: 2 });
      expect(await remove('exp4')).toMatchObject({ deleted: 0 });
      expect(await files.paths(drive)).toEqual(['exp42', 'exp42/a']);
      expect(await remove('', 'drive')).toMatchObject({ deleted: 2 });
      expect(await quota()).toMatchObject({ used_bytes: 0 });
      expect(await files.facts(drive)).toContain('DeletionCompleted');
      await expect(remove('')).rejects.toMatchObject({ code: 'invalid_path' });
    });

    it('go on when nobody waits for them any more, and the same command waits again', async () => {
      await eachOf(Array.from({ length: 1_200 }, (_, index) => index), 16, async (index) => void (await files.put(drive, `d/${index}`, 'x')));
      const command = { ...base(), path: 'd', scope: 'folder' as const };
      await expect(files.ask(DeleteFiles, command, 320)).rejects.toMatchObject({ code: 'service_timeout' });
      expect(await files.ask(DeleteFiles, command, 60_000)).toMatchObject({ deleted: 1_200 });
      expect(await files.ask(DeleteFiles, command)).toMatchObject({ deleted: 1_200 });
      expect(await files.paths(drive)).toEqual([]);
    }, 90_000);
  });

  describe('transfers', () => {
    it('move and copy files and folders, and count them', async () => {
      for (const path of ['d/a', 'd/b/c', 'dd']) await upload(path, 'xx');
      expect(await transfer('move', 'd', 'e')).toMatchObject({ created: true });
      expect(await files.paths(drive)).toEqual(['dd', 'e/a', 'e/b/c']);
      await transfer('copy', 'e', 'f');
      expect(await transfer('move', 'dd', 'e/a', true)).toMatchObject({ created: false });
      expect(await files.paths(drive)).toEqual(['e/a', 'e/b/c', 'f/a', 'f/b/c']);
      expect(await quota()).toMatchObject({ used_bytes: 8, reserved_bytes: 0 });
    });

    it('replace a folder as a whole', async () => {
      for (const path of ['d/a', 'e', 'e/a', 'e/b']) await upload(path, path);
      await transfer('move', 'd', 'e', true);
      expect(await files.paths(drive)).toEqual(['e/a']);
      expect(await quota()).toMatchObject({ used_bytes: 3 });
    });

    it('of a folder alone make one, and those of an empty folder take its marker', async () => {
      await make('d');
      await upload('d/a', 'x');
      await transfer('copy', 'd', 'e', false, true);
      expect(await files.paths(drive)).toEqual(['d/', 'd/a', 'e/']);
      await transfer('move', 'e', 'f');
      expect(await files.paths(drive)).toEqual(['d/', 'd/a', 'f/']);
    });

    it('of what would get too long a key are refused before anything is done', async () => {
      const long = `${'n'.repeat(200)}/`.repeat(4);
      await upload(`d/${long}a`, 'x');
      await make('e');
      await expect(transfer('move', 'd', `e/${'m'.repeat(250)}`)).rejects.toMatchObject({ code: 'invalid_path' });
      expect(await files.paths(drive)).toEqual([`d/${long}a`, 'e/']);
    });

    it('are refused where they can not be', async () => {
      await upload('d/a', 'x'.repeat(600));
      await expect(transfer('move', 'd', 'd/e')).rejects.toMatchObject({ code: 'forbidden' });
      await expect(transfer('copy', 'd/a', 'd/a')).rejects.toMatchObject({ code: 'forbidden' });
      await expect(transfer('move', 'none', 'e')).rejects.toMatchObject({ code: 'file_not_found' });
      await expect(transfer('move', 'd', 'none/e')).rejects.toMatchObject({ code: 'conflict' });
      await expect(transfer('copy', 'd', 'e')).rejects.toMatchObject({ code: 'quota_exceeded' });
      await upload('e', 'x');
      await expect(transfer('move', 'd', 'e')).rejects.toMatchObject({ code: 'precondition_failed' });
    });
  });

  describe('folders', () => {
    it('are made once, where their own folder is', async () => {
      await make('d');
      await expect(make('d')).rejects.toMatchObject({ code: 'file_exists' });
      await expect(make('e/f')).rejects.toMatchObject({ code: 'conflict' });
      await make('d/e');
      expect(await files.paths(drive)).toEqual(['d/', 'd/e/']);
      await expect(reserve('d', 1)).rejects.toMatchObject({ code: 'conflict' });
    });
  });
}
