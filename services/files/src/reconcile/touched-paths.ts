/**
 * Files that change while their drive is listed. It exists so that a listing that takes minutes gives the exact figure: a file that
 * nobody touches counts as the listing saw it, a touched one counts by facts, wherever the listing was when it changed.
 */
import type { DriveEvent } from '@kgpu/contracts';
import type { FoundFile } from '../drive/bucket.ts';
import type { DriveState } from '../drive/drive.ts';

interface Touched {
  /** Bytes that the path had when it was first touched; null: unknown yet. */
  before: number | null;
  /** The listing had passed it by then; null: can't be told. */
  passed: boolean | null;
  /** Bytes that the listing saw since. */
  listed: number | null;
  /** Bytes by the last fact. */
  counts: number | null;
}

export class TouchedPaths {
  readonly #paths = new Map<string, Touched>();
  readonly #deletions = new Map<string, string>();
  #lastListed: string | null = null;
  #listedBytes = 0;
  #disturbed = false;
  objects = 0;

  constructor(state: DriveState) {
    this.#disturbed = state.operations.size > 0;
    for (const upload of state.uploads.values()) this.#touch(upload.path, upload.counted);
  }

  get bytes(): number {
    return this.#listedBytes;
  }

  /** Folders were deleted, copied or moved meanwhile, or nobody knows what came: the listing must be made again. */
  get disturbed(): boolean {
    return this.#disturbed;
  }

  /** A fact of the drive, in order. */
  apply(event: DriveEvent): void {
    switch (event.type) {
      case 'UploadReserved':
        return this.#touch(event.data.path, event.data.was?.size ?? 0);
      case 'UploadConfirmed':
        this.#touch(event.data.path, null);
        this.#paths.get(event.data.path)!.counts = event.data.counts;
        return;
      case 'UploadReleased':
        if (event.data.reason === 'object_store_unavailable') this.#disturbed = true;
        return;
      case 'DeletionRequested':
        if (event.data.scope !== 'file') this.#disturbed = true;
        this.#deletions.set(event.data.operation_id, event.data.path);
        return this.#touch(event.data.path, null);
      case 'FilesDeleted':
        return this.#deleted(event.data);
      case 'TransferRequested':
        this.#disturbed = true;
    }
  }

  /** A page of the listing; every fact that was recorded before it came has been applied. */
  page(files: readonly FoundFile[]): void {
    for (const { path, size } of files) {
      this.#listedBytes += size;
      const touched = this.#paths.get(path);
      if (touched !== undefined) touched.listed = size;
    }
    this.objects += files.length;
    this.#lastListed = files.at(-1)?.path ?? this.#lastListed;
  }

  /** What the drive holds, by the listing and by `state`, the facts up to now; null when it can't be told. */
  usedBytes(state: DriveState): number | null {
    let bytes = this.#listedBytes;
    const open = new Map([...state.uploads.values()].map(({ path, counted }) => [path, counted]));
    for (const [path, { before, passed, listed, counts }] of this.#paths) {
      if (listed === null && passed === null && before !== 0) return null;
      const seen = listed ?? (passed === true ? (before ?? 0) : 0);
      bytes += (open.get(path) ?? counts ?? before ?? seen) - seen;
    }
    return this.#disturbed ? null : bytes;
  }

  #touch(path: string, before: number | null): void {
    const known = this.#paths.get(path);
    if (known === undefined) this.#paths.set(path, { before, passed: isPassed(path, this.#lastListed), listed: null, counts: null });
    else known.before ??= before;
  }

  #deleted({ operation_id, bytes }: { operation_id: string; bytes: number }): void {
    const path = this.#deletions.get(operation_id);
    const touched = path === undefined ? undefined : this.#paths.get(path);
    if (touched === undefined) return;
    touched.before ??= bytes;
    touched.counts = 0;
  }
}

/** Listings go by the bytes of keys, or (SeaweedFS) folder by folder: where the two differ nobody knows. */
function isPassed(path: string, last: string | null): boolean | null {
  if (last === null) return false;
  const [byBytes, byFolder] = [compare(path, last) <= 0, compare(byFolders(path), byFolders(last)) <= 0];
  return byBytes === byFolder ? byBytes : null;
}

/** A slash sorts before every other character. */
function byFolders(path: string): string {
  return path.replaceAll('/', '\0');
}

function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
