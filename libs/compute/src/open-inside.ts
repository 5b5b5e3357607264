/** Opens what a tenant wrote, in a folder of theirs: links are not followed, and what is no plain file is not waited for. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

/** A folder below `root`, to be closed by the caller. Throws what the system says, `ELOOP` or `ENOTDIR` where a name is a link. */
export async function openFolderInside(root: FileHandle, names: readonly string[]): Promise<FileHandle> {
  let folder = root;
  for (const name of names) {
    try {
      const next = await open(pathInside(folder, name), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
      if (folder !== root) await folder.close();
      folder = next;
    } catch (error) {
      if (folder !== root) await folder.close();
      throw error;
    }
  }
  return folder;
}

/** A plain file in `folder`, to be closed by the caller; null when there is none of the name. Throws for anything else of the name. */
export async function openFileInside(folder: FileHandle, name: string): Promise<FileHandle | null> {
  const file = await open(pathInside(folder, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (file === null || (await file.stat()).isFile()) return file;
  await file.close();
  throw new Error(`${name} is no plain file`);
}

/** The path of an open folder, whatever has been put in its place meanwhile. */
export function pathInside(folder: FileHandle, name = ''): string {
  return `/proc/self/fd/${folder.fd}/${name}`;
}
