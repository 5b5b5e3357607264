/** The Node that kgpu runs on. package-lock.json brings one for Linux; elsewhere it is the machine's own. */
import { spawn } from 'node:child_process';
import { existsSync, rmSync, symlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { fail } from './fail.mjs';
import { alone } from './lock.mjs';
import { root } from './root.mjs';

const bin = join(root, 'node_modules', '.bin');

/** As `engines` in package.json says. */
export function nodeIsNewEnough(version = process.versions.node) {
  return Number(version.split('.')[0]) >= 24;
}

/** Runs this very command again on the Node of node_modules, passes signals on, and ends as it ends. Never returns. */
export async function continueOnNode24() {
  const node = process.env.SETUP_ON_NODE_24 === '1' ? null : await alone(linkedNode);
  if (node === null) fail(needed);
  const env = { ...process.env, SETUP_ON_NODE_24: '1', PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` };
  const child = spawn(node, [...process.execArgv, ...process.argv.slice(1)], { stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', () => fail(needed));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
  return new Promise(() => {});
}

/** The Node of node_modules under the name that npm scripts find. npm 10 installs it and forgets the link. */
function linkedNode() {
  const link = join(bin, 'node');
  if (existsSync(link)) return link;
  const packaged = join('..', `node-linux-${process.arch}`, 'bin', 'node');
  if (process.platform !== 'linux' || !existsSync(join(bin, packaged))) return null;
  rmSync(link, { force: true });
  symlinkSync(packaged, link);
  return link;
}

const needed = `kgpu needs Node 24 and this is ${process.version}: install Node 24 from https://nodejs.org, then run the command again.`;
