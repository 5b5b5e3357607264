/**
 * `npm run dev`: the whole system, compiled and restarted on every change of a source. A change that does not compile
 * leaves the system as it runs. (`tsc -b --watch` of TypeScript 7.0 does not see changes, so the watching is done here.)
 */
import { spawn } from 'node:child_process';
import { existsSync, watch } from 'node:fs';
import { join } from 'node:path';
import { setUp } from './setup.mjs';
import { compile } from './setup/build.mjs';
import { packageFolders, root } from './setup/root.mjs';

const project = 'services/standalone';
/** Editors and git write many files at once. */
const SETTLE_MS = 150;

await setUp(project);
let system = null;
let lastStep = startSystem();
let settling = null;

for (const folder of packageFolders()) {
  const sources = join(root, folder, 'src');
  if (existsSync(sources)) watch(sources, { recursive: true }, noticeChange);
}
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void lastStep.then(endSystem).then(() => process.exit(0)));

function noticeChange() {
  clearTimeout(settling);
  settling = setTimeout(() => {
    lastStep = lastStep.then(rebuild);
  }, SETTLE_MS);
}

async function rebuild() {
  if (!compile([project])) return;
  await endSystem();
  await startSystem();
}

async function startSystem() {
  system = spawn(process.execPath, [join(root, project, 'dist/main.js')], { cwd: root, stdio: 'inherit' });
}

function endSystem() {
  if (system.exitCode !== null || system.signalCode !== null) return undefined;
  const ended = new Promise((resolve) => system.once('exit', resolve));
  system.kill('SIGTERM');
  return ended;
}
