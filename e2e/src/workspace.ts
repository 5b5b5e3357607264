/** The sources of the whole workspace, for tests that read them. */
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Every source file below `folders`, as paths from the root, with `/`; nothing that is installed or compiled. */
export function sources(...folders: string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) return skipped.has(entry.name) ? [] : sources(path);
      return /\.(ts|tsx|mjs)$/.test(entry.name) ? [path] : [];
    }),
  );
}
const skipped = new Set(['node_modules', 'dist']);
