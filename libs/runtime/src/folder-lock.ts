import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * Lets one process of a kind use a data folder at a time. The lock is SQLite's on a file, so the kernel drops it when the
 * process dies, however it dies. Throws an Error with a sentence for people when another process has it. Returns the release.
 */
export function lockFolder(folder: string, kind: string): () => void {
  const lock = new DatabaseSync(join(folder, `${kind}.lock`), { timeout: 0 });
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (cause) {
    lock.close();
    throw new FolderInUse(`${folder} is used by another kgpu that is running. Stop it, or set KGPU_DATA_DIR to another folder.`, { cause });
  }
  return () => lock.close();
}

export class FolderInUse extends Error {
  override readonly name = 'FolderInUse';
}
