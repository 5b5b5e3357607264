/** Compiles what is stale. `tsc -b` finds that out by itself, in about 0.15 s. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from './fail.mjs';
import { packageFolders, root } from './root.mjs';

const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');

export function buildProjects(projects) {
  if (!compile(projects)) fail('The build failed: the compiler says above what to fix.');
}

/** Whether it went well; the compiler has said why not. */
export function compile(projects) {
  for (const folder of packageFolders()) removeOrphans(join(root, folder, 'dist'), join(root, folder, 'src'));
  const { status } = spawnSync(process.execPath, [tsc, '-b', ...projects], { cwd: root, stdio: 'inherit' });
  return status === 0;
}

/** tsc leaves the output of a deleted source behind, where tests and imports would still find it. */
function removeOrphans(dist, src) {
  if (!existsSync(dist)) return;
  for (const entry of readdirSync(dist, { withFileTypes: true, recursive: true })) {
    const match = /^(.+?)\.(?:js|d\.ts)(?:\.map)?$/.exec(entry.name);
    if (!match || !entry.isFile()) continue;
    const folder = entry.parentPath ?? entry.path;
    const source = join(src, folder.slice(dist.length), match[1]);
    if (!existsSync(`${source}.ts`) && !existsSync(`${source}.tsx`)) rmSync(join(folder, entry.name), { force: true });
  }
}
