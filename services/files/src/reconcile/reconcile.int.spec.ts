import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  CancelReconciliation, ConfirmUpload, DeleteFiles, GetQuota, ReadReconciliation, ReserveUpload, StartReconciliation, TransferFiles, type ReconciliationLine,
} from '@kgpu/contracts';
import * as fc from 'fast-check';
import { eachOf } from '../operation/each-of.ts';
import { commandId, startFiles, type FilesUnderTest } from '../testing.ts';

const drive = 'user-7';
let files: FilesUnderTest;
beforeEach(async () => void (files = await startFiles({ KGPU_USER_QUOTA_BYTES: '100000' })));
afterEach(() => files.close());

const base = () => ({ command_id: commandId(), drive, by: 7 });
const used = async () => (await files.ask(GetQuota, { drive })).used_bytes;
const reserve = async (path: string, size: number) => (await files.ask(ReserveUpload, { ...base(), path, way: 'streamed', size, content_type: null, expires_seconds: 60 })).upload.upload_id;
const confirm = (upload_id: string, size: number, etag: string) => files.ask(ConfirmUpload, { command_id: commandId(), drive, upload_id, size, etag });
async function upload(path: string, text: string): Promise<void> {
  const id = await reserve(path, text.length);
  await confirm(id, text.length, await files.put(drive, path, text));
}

async function linesOf(reconciliation_id: string): Promise<ReconciliationLine[]> {
  const all: ReconciliationLine[] = [];
  for (;;) {
    const { lines, done } = await files.ask(ReadReconciliation, { reconciliation_id });
    all.push(...lines);
    if (done) return all;
  }
}

async function reconciled(of: string | null = drive): Promise<ReconciliationLine[]> {
  return linesOf((await files.ask(StartReconciliation, { command_id: commandId(), drive: of })).reconciliation_id);
}

describe('a reconciliation', () => {
  it('tells of each drive what it counted and what it has, also of one that has no facts', async () => {
    await upload('a', 'abc');
    await files.put(drive, 'stray', '12345');
    await files.put('org-lab', 'b', '1');
    const lines = await reconciled(null);
    expect(lines.filter(({ line }) => line !== 'progress')).toEqual([
      { line: 'drive', drive: 'org-lab', objects: 1, used_bytes: 1, was_used_bytes: 0, difference_bytes: 1 },
      { line: 'drive', drive, objects: 2, used_bytes: 8, was_used_bytes: 3, difference_bytes: 5 },
      { line: 'report', drives: 2, drives_that_differed: 2, elapsed_seconds: expect.any(Number) },
    ]);
    expect(await used()).toBe(8);
    expect((await reconciled()).at(-1)).toMatchObject({ drives: 1, drives_that_differed: 0 });
  });

  it('is one however often a command begins it, and over when it is cancelled', async () => {
    const command = { command_id: commandId(), drive };
    const { reconciliation_id } = await files.ask(StartReconciliation, command);
    expect(await files.ask(StartReconciliation, command)).toEqual({ reconciliation_id });
    await files.ask(CancelReconciliation, { reconciliation_id });
    await expect(files.ask(ReadReconciliation, { reconciliation_id })).rejects.toMatchObject({ code: 'reconciliation_not_found' });
    await files.ask(CancelReconciliation, { reconciliation_id });
  });

  it('is due once a day', async () => {
    await upload('a', 'abc');
    await files.put(drive, 'stray', '12345');
    const look = async () => {
      files.service.reconcilePolicy.look();
      await files.service.reconcilePolicy.idle();
      return used();
    };
    expect(await look()).toBe(8);
    await files.put(drive, 'stray', '1');
    files.clock.advance(24 * 3_600_000 - 1);
    expect(await look()).toBe(8);
    files.clock.advance(1);
    expect(await look()).toBe(4);
  });

  it('gives the exact figure while uploads and deletions go on', async () => {
    await eachOf(Array.from({ length: 2_100 }, (_, index) => index), 16, async (index) => void (await files.put(drive, `f${index}`, '12345')));
    const { reconciliation_id } = await files.ask(StartReconciliation, { command_id: commandId(), drive });
    const under = Array.from({ length: 20 }, async (_, index) => {
      await upload(`f${index}`, 'longer than before');
      await upload(`new${index}`, 'x');
      await files.ask(DeleteFiles, { ...base(), path: `f${1_000 + index}`, scope: 'file' });
    });
    await Promise.all(under);
    const lines = await linesOf(reconciliation_id);
    expect(lines.at(-1)).toMatchObject({ line: 'report' });
    expect(await used()).toBe(await files.bytes(drive));
  }, 60_000);
});

type Step = { do: 'put' | 'fail' | 'delete' | 'deleteFolder'; path: string; size: number } | { do: 'copy' | 'move'; path: string; to: string };
const path = fc.constantFrom('a', 'b', 'd/a', 'd/b', 'd/e/c', 'f/a', 'd2/a');
const folder = fc.constantFrom('a', 'b', 'd', 'd/e', 'f', 'd2');
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('put' as const, 'put' as const, 'fail' as const, 'delete' as const), path, size: fc.integer({ min: 0, max: 500 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('deleteFolder' as const), path: folder, size: fc.constant(0) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('copy' as const, 'move' as const), path: folder, to: folder }) },
);

/** What the service refuses it refuses before anything is done. */
async function take(step: Step): Promise<void> {
  const work = async (): Promise<unknown> => {
    switch (step.do) {
      case 'put':
        return upload(step.path, 'x'.repeat(step.size));
      case 'fail':
        return reserve(step.path, step.size);
      case 'delete':
        return files.ask(DeleteFiles, { ...base(), path: step.path, scope: 'file' });
      case 'deleteFolder':
        return files.ask(DeleteFiles, { ...base(), path: step.path, scope: 'folder' });
      case 'copy': case 'move':
        return files.ask(TransferFiles, { ...base(), path: step.path, to: step.to, kind: step.do, overwrite: true });
    }
  };
  await work().catch((error: { code?: string }) => {
    if (!['conflict', 'forbidden', 'file_not_found', 'quota_exceeded'].includes(error.code ?? '')) throw error;
  });
}

describe('the bytes that a drive counts', () => {
  it('are those of the bucket, after any uploads, overwrites, deletions, copies, moves and failures', async () => {
    await fc.assert(fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 25 }), async (sequence) => {
      for (const step of sequence) await take(step);
      expect(await used()).toBe(await files.bytes(drive));
      await files.ask(DeleteFiles, { ...base(), path: '', scope: 'drive' });
      expect(await used()).toBe(0);
    }), { numRuns: 25, endOnFailure: true });
    expect((await reconciled()).find(({ line }) => line === 'drive')).toMatchObject({ difference_bytes: 0 });
  }, 120_000);
});
