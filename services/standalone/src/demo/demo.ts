/** `npm run demo [-- scenario]`: plays a job against a running kgpu, or against one that it starts and stops itself. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '@kgpu/contracts';
import { startStandalone } from '../standalone.ts';
import { Client } from './client.ts';
import { ledger } from './ledger.ts';
import { mainJob } from './main-job.ts';
import type { Scenario } from './stage.ts';

const scenarios: Record<string, Scenario> = { 'main-job': mainJob, ledger };

const MARGIN = '    | ';
let atLineStart = true;
const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort(new Error('interrupted')));

const [name = 'main-job'] = process.argv.slice(2);
const scenario = scenarios[name];
if (scenario === undefined) {
  console.error(`There is no demo "${name}". There are: ${Object.keys(scenarios).join(', ')}.`);
  process.exit(1);
}

const { KGPU_API_BASE: base, KGPU_API_TOKEN: token } = process.env;
const isGiven = base !== undefined && token !== undefined && scenario.settings === undefined;
const system = isGiven ? { url: base.replace(/\/+$/, ''), adminToken: token, close: async () => {} } : await startTemporary(scenario.settings);
try {
  console.log(`\n${scenario.title}, on ${system.url}\n`);
  await scenario.play({ client: new Client(system.url, system.adminToken), image: 'debian:12-slim', signal: interrupted.signal, say, show });
} catch (error) {
  console.error(`\nThe demo ended early: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await system.close();
}

/** An instance with a data folder of its own, in which time runs faster (60 times unless settings say otherwise), so that there is a bill to see. */
async function startTemporary(settings?: Record<string, string>) {
  const dataDir = await mkdtemp(join(tmpdir(), 'kgpu-demo-'));
  const { KGPU_COMPUTE = 'process', KGPU_CLOCK_SPEED = '60', KGPU_LOG_LEVEL = 'silent' } = process.env;
  say(settings === undefined ? 'No KGPU_API_BASE and KGPU_API_TOKEN are set, so this demo starts a kgpu of its own. A minute passes in a second there.' : 'This demo starts a kgpu of its own.');
  const standalone = await startStandalone(readConfig({ KGPU_COMPUTE, KGPU_CLOCK_SPEED, KGPU_LOG_LEVEL, KGPU_DATA_DIR: dataDir, KGPU_PORT: '0', ...settings }));
  const close = async () => {
    await standalone.close();
    await rm(dataDir, { recursive: true, force: true });
  };
  return { url: standalone.url, adminToken: standalone.adminToken, close };
}

function say(sentence: string): void {
  console.log(`• ${sentence}`);
}

function show(output: string): void {
  if (output === '') return;
  process.stdout.write((atLineStart ? MARGIN : '') + output.replace(/\n(?=.)/gs, `\n${MARGIN}`));
  atLineStart = output.endsWith('\n');
}
