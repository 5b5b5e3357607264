import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** The process that is all services at once; it shares a data folder with no other. */
const ALL = 'standalone';
const SHORT_WAIT_MS = 5_000;
const SQLITE_BUSY = 5;

export interface FolderLock {
  /** Which of the processes of its kind it is, from 1 on: one that is started again after a crash is the same. */
  number: number;
  release: () => void;
}

/**
 * Lets `atOnce` processes of a kind use a data folder at a time (`standalone`, or the name of a service), and `standalone` only
 * alone. The lock is SQLite's on a file, so the kernel drops it when the process dies, however it dies. Throws `FolderInUse`
 * with a sentence for people when others have it.
 */
export function lockFolder(folder: string, kind: string, atOnce = 1): FolderLock {
  const inUse = (cause: unknown) =>
    new FolderInUse(`${folder} is used by another kgpu that is running. Stop it, or set KGPU_DATA_DIR to another folder.`, { cause });
  if (kind === ALL) return { number: 1, release: lock(join(folder, `${ALL}.lock`), 'alone', 0, inUse) };
  const shared = lock(join(folder, `${ALL}.lock`), 'shared', 0, inUse);
  try {
    const own = lockFirstFree(folder, kind, atOnce, inUse);
    return {
      number: own.number,
      release() {
        own.release();
        shared();
      },
    };
  } catch (error) {
    shared();
    throw error;
  }
}

function lockFirstFree(folder: string, kind: string, atOnce: number, inUse: (cause: unknown) => Error): FolderLock {
  for (let number = 1; ; number++) {
    try {
      return { number, release: lock(join(folder, number === 1 ? `${kind}.lock` : `${kind}.${number}.lock`), 'alone', 0, inUse) };
    } catch (error) {
      if (!(error instanceof FolderInUse) || number >= atOnce) throw error;
    }
  }
}

/** Runs `act` while no other process does so on this folder: what services that start at once must not do at once. */
export function oneAtATime<T>(folder: string, act: () => T): T {
  const release = lock(join(folder, 'start.lock'), 'alone', SHORT_WAIT_MS, (cause) => new Error(`${folder} stays locked by another process`, { cause }));
  try {
    return act();
  } finally {
    release();
  }
}

export class FolderInUse extends Error {
  override readonly name = 'FolderInUse';
}

function lock(file: string, mode: 'alone' | 'shared', waitMs: number, inUse: (cause: unknown) => Error): () => void {
  const database = new DatabaseSync(file, { timeout: waitMs });
  try {
    database.exec(mode === 'alone' ? 'BEGIN EXCLUSIVE' : 'BEGIN; SELECT count(*) FROM sqlite_master');
  } catch (error) {
    database.close();
    throw (error as { errcode?: number }).errcode === SQLITE_BUSY ? inUse(error) : error;
  }
  return () => database.close();
}
