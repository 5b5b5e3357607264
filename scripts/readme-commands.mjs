/**
 * Runs the commands of README.md that stand under a line `<!-- ci -->`, in one shell, in order, against an instance of
 * its own (process driver, a data folder that goes afterwards). Ends with the line `N passed, N failed`: blocks.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setUp } from './setup.mjs';
import { root } from './setup/root.mjs';

await setUp('services/standalone');
const { spawnStandalone } = await import('../services/standalone/dist/testing.js');

const blocks = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^<!-- ci -->\n```(?:sh|bash)\n([\s\S]*?)^```/gm)].map(([, commands]) => commands);
const folder = mkdtempSync(join(tmpdir(), 'kgpu-readme-'));
const system = await spawnStandalone({ KGPU_DATA_DIR: join(folder, 'data'), KGPU_PORT: '0', KGPU_COMPUTE: 'process' });
let passed = 0;
try {
  const script = blocks.map((commands, index) => `${commands}\necho "${marker(index)}"`).join('\n');
  const env = { ...process.env, KGPU_API_BASE: system.url, KGPU_API_TOKEN: system.adminToken };
  const { stdout } = spawnSync('bash', ['-euvo', 'pipefail', '-c', script], { cwd: folder, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], timeout: 100_000 });
  process.stdout.write(stdout);
  passed = blocks.filter((_, index) => stdout.includes(marker(index))).length;
} finally {
  await system.stop();
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${passed} passed, ${blocks.length - passed + (blocks.length === 0 ? 1 : 0)} failed`);
process.exitCode = passed === blocks.length && passed > 0 ? 0 : 1;

function marker(index) {
  return `-- block ${index + 1} of README.md went through --`;
}
