/**
 * Does a recorded transfer: clears the target, copies, and, of a move, deletes the sources once every copy is there. A source that
 * was written meanwhile and has no copy stays.
 */
import { hash } from 'node:crypto';
import { objectKey, Problem, type DriveId, type FoundObject } from '@kgpu/contracts';
import type { Bucket, FoundFile } from '../drive/bucket.ts';
import type { DriveRecord } from '../drive/drive-record.ts';
import type { Completion, OpenTransfer, TouchedFile } from '../drive/drive.ts';
import { touched } from './deletion.ts';
import { eachOf } from './each-of.ts';
import { EmptiedFolders } from './emptied-folders.ts';
import { completionId } from './operations.ts';

const COPIES_AT_ONCE = 8;
/** Copies of one attempt that are remembered; beyond, each source is compared with its copy before it goes. */
const MAX_REMEMBERED = 200_000;

interface Attempt {
  drive: DriveId;
  transfer: OpenTransfer;
  signal: AbortSignal;
  completion: Completion;
  steps: number;
  /** Sources that were copied, as they were then. */
  copied: Set<string>;
}

type CopiedFile = TouchedFile & { replaced: number };

export class Transfer {
  constructor(
    private readonly record: DriveRecord,
    private readonly bucket: Bucket,
  ) {}

  async run(drive: DriveId, transfer: OpenTransfer, { completion, signal }: { completion: Completion; signal: AbortSignal }): Promise<void> {
    const attempt: Attempt = { drive, transfer, signal, completion, steps: transfer.steps, copied: new Set() };
    if (transfer.phase === 'requested' && transfer.replaces) await this.#clearTarget(attempt);
    if (transfer.phase !== 'copied') await this.#copyAll(attempt);
    if (transfer.kind === 'move') await this.#deleteSources(attempt);
  }

  /** What the copies don't replace by themselves. */
  async #clearTarget(attempt: Attempt): Promise<void> {
    const { drive, transfer: { id, to, folder } } = attempt;
    const folders = new EmptiedFolders(`${to}/`);
    for await (const page of this.bucket.pages(drive, `${to}/`)) {
      await this.#delete(attempt, page);
      folders.saw(page);
    }
    await folders.remove(this.bucket, drive);
    if (!folder) return;
    const file = await this.bucket.head(drive, to);
    if (file !== null) await this.#delete(attempt, [{ path: to, ...file }]);
    await this.record.record({ type: 'ClearTarget', drive, operationId: id }, { commitId: `clear:${id}` });
  }

  async #copyAll(attempt: Attempt): Promise<void> {
    const { drive, transfer: { path, folder, shallow } } = attempt;
    if (shallow && folder) return this.#makeMarker(attempt);
    if (!folder) {
      const source = await this.bucket.head(drive, path);
      return this.#counted(attempt, source === null ? [] : await this.#copyFiles(attempt, [{ path, ...source }]), true);
    }
    for (let cursor: string | null = null; ; ) {
      const page = await this.bucket.page(drive, `${path}/`, cursor);
      cursor = page.next;
      await this.#counted(attempt, await this.#copyFiles(attempt, page.files), cursor === null);
      if (cursor === null) return;
    }
  }

  async #makeMarker(attempt: Attempt): Promise<void> {
    const { drive, transfer: { to } } = attempt;
    await this.bucket.makeFolder(drive, to);
    await this.#counted(attempt, [{ path: `${to}/`, bytes: 0, replaced: 0 }], true);
  }

  async #copyFiles(attempt: Attempt, files: readonly FoundFile[]): Promise<CopiedFile[]> {
    const { drive, transfer: { path, to, folder }, copied, completion, signal } = attempt;
    const done: CopiedFile[] = [];
    await eachOf(files, COPIES_AT_ONCE, async (file) => {
      signal.throwIfAborted();
      const target = to + file.path.slice(path.length);
      // A folder's target is empty, unless an earlier attempt has begun to fill it.
      const there = folder && completion === 'exact' ? null : await this.bucket.head(drive, target);
      if (completion === 'inexact' && there?.etag === file.etag) return;
      if (!(await this.#copy(drive, file.path, target, signal))) return;
      if (copied.size < MAX_REMEMBERED) copied.add(versionOf(file));
      done.push({ path: target, bytes: file.size, replaced: there?.size ?? 0 });
    });
    return done;
  }

  /** False: the file is gone, or came since the transfer was accepted and would have too long a key: it stays where it is. */
  async #copy(drive: DriveId, from: string, to: string, signal: AbortSignal): Promise<boolean> {
    try {
      return (await this.bucket.store.copy(objectKey(drive, from), objectKey(drive, to), { signal })) !== null;
    } catch (error) {
      if (error instanceof Problem && error.code === 'invalid_path') return false;
      throw error;
    }
  }

  async #counted(attempt: Attempt, files: readonly CopiedFile[], isLast: boolean): Promise<void> {
    const { drive, transfer: { id, kind }, completion } = attempt;
    const next = !isLast ? 'more' : kind === 'move' ? 'copied' : completion;
    const commitId = next === completion ? completionId(id) : `${id}:${attempt.steps++}`;
    if (files.length > 0 || isLast) await this.record.record({ type: 'CountCopied', drive, operationId: id, files, next }, { commitId });
  }

  async #deleteSources(attempt: Attempt): Promise<void> {
    const { drive, transfer: { id, path, folder }, completion } = attempt;
    if (folder) {
      const folders = new EmptiedFolders(`${path}/`);
      for await (const page of this.bucket.pages(drive, `${path}/`)) {
        const copied = await this.#withCopies(attempt, page);
        if (copied.length > 0) await this.#delete(attempt, copied);
        folders.saw(copied);
      }
      await folders.remove(this.bucket, drive);
      await this.record.record({ type: 'Complete', drive, operationId: id, completion }, { commitId: completionId(id) });
      return;
    }
    const source = await this.bucket.head(drive, path);
    const copied = source === null ? [] : await this.#withCopies(attempt, [{ path, ...source }]);
    if (copied.length > 0) await this.bucket.delete(drive, [path]);
    await this.record.record({ type: 'CountDeleted', drive, operationId: id, files: copied.map(touched), completes: completion }, { commitId: completionId(id) });
  }

  /** Those that are what was copied. After a crash only the copies themselves can tell. */
  async #withCopies({ drive, transfer: { path, to }, copied }: Attempt, files: readonly FoundFile[]): Promise<FoundFile[]> {
    const found: FoundFile[] = [];
    await eachOf(files, COPIES_AT_ONCE, async (file) => {
      if (copied.has(versionOf(file))) return void found.push(file);
      const copy = await this.bucket.head(drive, to + file.path.slice(path.length));
      if (copy !== null && isCopy(file, copy)) found.push(file);
    });
    return found;
  }

  async #delete(attempt: Attempt, files: readonly FoundFile[]): Promise<void> {
    const { drive, transfer: { id }, signal } = attempt;
    signal.throwIfAborted();
    await this.bucket.delete(drive, files.map(({ path }) => path));
    await this.record.record({ type: 'CountDeleted', drive, operationId: id, files: files.map(touched), completes: null }, { commitId: `${id}:${attempt.steps++}` });
  }
}

/** Once every copy is there: of the same content; or, as the etag of large files changes with copying, of the same size and younger. */
function isCopy(source: FoundObject, there: FoundObject): boolean {
  return there.etag === source.etag || (there.size === source.size && there.modified_at > source.modified_at);
}

function versionOf({ path, etag, modified_at }: FoundFile): string {
  return hash('sha1', `${path}\n${etag}\n${modified_at}`, 'base64').slice(0, 16);
}
