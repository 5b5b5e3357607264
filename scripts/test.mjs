/**
 * `npm test [unit|int|e2e|file or folder …] [Jest options]`: builds, runs the tests of all packages in one Jest run,
 * names what was skipped, and ends with the line `N passed, N failed`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setUp } from './setup.mjs';
import { root } from './setup/root.mjs';

/** Tests start real servers and containers: more at once than this makes a small machine miss deadlines. */
const MAX_WORKERS = 2;
const endings = { int: String.raw`\.int\.spec\.js$`, e2e: String.raw`\.e2e\.spec\.js$` };
const notUnit = ['--testPathIgnorePatterns', String.raw`\.(int|e2e)\.spec\.js$`];

await setUp('.');
const report = runJest(jestArguments(process.argv.slice(2)));
const passed = report?.numPassedTests ?? 0;
const failed = report === null ? 1 : report.numFailedTests + report.numRuntimeErrorTestSuites;
const skipped = (report?.testResults ?? []).flatMap((file) => file.assertionResults.filter(({ status }) => status === 'pending' || status === 'todo'));
for (const { fullName } of skipped) console.log(`skipped: ${fullName}`);
console.log(`${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

/** Jest's report, null when it ended without one. */
function runJest(options) {
  const folder = mkdtempSync(join(tmpdir(), 'kgpu-test-'));
  const output = join(folder, 'report.json');
  const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const args = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', jest, '--config', join(root, 'jest.config.json'), `--maxWorkers=${MAX_WORKERS}`, '--json', `--outputFile=${output}`];
  try {
    spawnSync(process.execPath, [...args, ...options], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env: testEnvironment() });
    return JSON.parse(readFileSync(output, 'utf8'));
  } catch {
    return null;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A kind together with files or folders means those of them that are of the kind. */
function jestArguments([first, ...rest]) {
  if (first === undefined) return [];
  if (first === 'unit') return [...notUnit, ...rest.map(compiledPath)];
  const ending = endings[first];
  if (ending === undefined) return [first, ...rest].map(compiledPath);
  const isPath = (argument) => /^(\.\/)?(libs|services|apps|e2e)(\/|$)/.test(argument);
  const others = rest.filter((argument) => !isPath(argument));
  return rest.some(isPath) ? [...rest.filter(isPath).map(compiledPath).map((path) => (path.endsWith('.js') ? path : `${path}.*${ending}`)), ...others] : ['--testPathPatterns', ending, ...others];
}

/** `libs/event-store/src/given.spec.ts` → the compiled file that Jest runs. */
function compiledPath(argument) {
  return argument.startsWith('-') ? argument : argument.replace(/\/src(\/|$)/, '/dist$1').replace(/\.ts$/, '.js');
}

/** The developer's own server settings and token are not the tests' business. */
function testEnvironment() {
  const kept = new Set(['KGPU_CACHE_DIR', 'KGPU_RUNS', 'KGPU_KILLS']);
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('KGPU_') || kept.has(name)));
}
