/** Compares what a drive counts with what the bucket has, and corrects the drive. Uploads and deletions go on meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises';
import { derivedId, Problem, type DriveId, type ReconciliationLine } from '@kgpu/contracts';
import type { Bucket } from '../drive/bucket.ts';
import type { DriveRecord } from '../drive/drive-record.ts';
import { emptyDrive } from '../drive/drive.ts';
import type { Drives } from '../drive/drives.projection.ts';
import { TouchedPaths } from './touched-paths.ts';

export interface ReconcileTools {
  record: DriveRecord;
  drives: Drives;
  bucket: Bucket;
}

const MAX_TRIES = 5;
const PAUSE_MS = 1_000;
const PAGES_PER_LINE = 10;

/** These drives, one after the other: progress, a line for each, a report. */
export async function* reconcile(tools: ReconcileTools, drives: readonly DriveId[], id: string, signal: AbortSignal): AsyncGenerator<ReconciliationLine, void, void> {
  const began = performance.now();
  let differed = 0;
  for (const drive of drives) {
    for await (const line of reconcileDrive(tools, drive, id, signal)) {
      if (line.line === 'drive' && line.difference_bytes !== 0) differed++;
      yield line;
    }
  }
  yield { line: 'report', drives: drives.length, drives_that_differed: differed, elapsed_seconds: Math.round(performance.now() - began) / 1_000 };
}

/** Every drive that has facts, or objects in the bucket. */
export async function allDrives({ drives, bucket }: ReconcileTools): Promise<DriveId[]> {
  return [...new Set([...[...drives].map(([drive]) => drive), ...(await bucket.drives())])].sort();
}

async function* reconcileDrive(tools: ReconcileTools, drive: DriveId, id: string, signal: AbortSignal): AsyncGenerator<ReconciliationLine, void, void> {
  for (let tries = 1; tries <= MAX_TRIES; tries++) {
    const done = yield* tryOnce(tools, drive, derivedId('reconcile', id, drive, tries), signal);
    if (done) return;
    await sleep(PAUSE_MS, undefined, { signal });
  }
  throw new Problem('conflict', `Folders of ${drive} are being deleted, copied or moved all the time; try again later.`);
}

async function* tryOnce({ record, drives, bucket }: ReconcileTools, drive: DriveId, commitId: string, signal: AbortSignal): AsyncGenerator<ReconciliationLine, boolean, void> {
  await record.caughtUp();
  const touched = new TouchedPaths(drives.get(drive)?.state ?? emptyDrive);
  const stop = drives.listen((event) => {
    if (event.data.drive === drive) touched.apply(event);
  });
  try {
    let pages = 0;
    for (let cursor: string | null = null, first = true; first || cursor !== null; first = false) {
      signal.throwIfAborted();
      if (touched.disturbed) return false;
      const page = await bucket.page(drive, '', cursor);
      cursor = page.next;
      await record.caughtUp();
      touched.page(page.files);
      if (pages++ % PAGES_PER_LINE === 0) yield { line: 'progress', drive, objects: touched.objects, bytes: touched.bytes };
    }
    await record.caughtUp();
    const state = drives.get(drive)?.state ?? emptyDrive;
    const used = touched.usedBytes(state);
    if (used === null) return false;
    const difference = used - state.usedBytes;
    await record.record({ type: 'Reconcile', drive, objects: touched.objects, differenceBytes: difference }, { commitId });
    yield { line: 'drive', drive, objects: touched.objects, used_bytes: used, was_used_bytes: state.usedBytes, difference_bytes: difference };
    return true;
  } finally {
    stop();
  }
}
