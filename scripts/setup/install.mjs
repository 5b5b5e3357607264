/** Installs exactly what package-lock.json names. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from './fail.mjs';
import { root } from './root.mjs';

/** Whether node_modules holds what package-lock.json names; npm writes down what it installed, as its last act. */
export function packagesAreInstalled() {
  const wanted = readLock('package-lock.json');
  const installed = readLock(join('node_modules', '.package-lock.json'));
  if (wanted === null) fail('package-lock.json is missing: get it back with `git checkout package-lock.json`.');
  if (installed === null) return false;
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (path === '') return true;
    return path in installed ? installed[path].version === version : optional === true;
  });
}

function readLock(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), 'utf8')).packages;
  } catch {
    return null;
  }
}

/** `npm ci` with everything that building needs, whatever NODE_ENV or the user's npm settings leave out. */
export async function installPackages() {
  process.stderr.write('Installing the packages of package-lock.json (about half a minute, once) …\n');
  const online = await registryAnswers();
  const source = online ? '--prefer-offline' : '--offline';
  const { code, errors } = await runNpm(['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error', source]);
  if (code === 0) return;
  process.stderr.write(errors);
  fail(online ? sentenceFor(errors) : unreachable);
}

/** Asked first, because `npm ci` without a network tries every package again and again, for minutes. */
async function registryAnswers() {
  const { code, errors } = await runNpm(['ping', '--fetch-retries=0', '--fetch-timeout=15000', '--loglevel=error']);
  return code === 0 || !networkError.test(errors);
}

function runNpm(args) {
  const npm = process.env.npm_execpath?.endsWith('npm-cli.js') ? [process.execPath, process.env.npm_execpath] : ['npm'];
  const child = spawn(npm[0], [...npm.slice(1), ...args], { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] });
  return new Promise((resolve) => {
    let errors = '';
    child.stderr.on('data', (chunk) => (errors = (errors + chunk).slice(-20_000)));
    child.on('error', () => fail('npm was not found: install Node together with npm, from https://nodejs.org.'));
    child.on('close', (code) => resolve({ code, errors }));
  });
}

const networkError = /EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EIDLETIMEOUT|SOCKET_TIMEOUT|ENETUNREACH|EHOSTUNREACH|FETCH_ERROR/;
const unreachable =
  `The packages could not be fetched from ${process.env.npm_config_registry ?? 'the npm registry'}: check the network, ` +
  'or name a registry that you can reach with `npm config set registry <url>`, then run the command again.';

function sentenceFor(errors) {
  if (networkError.test(errors)) return unreachable;
  if (/EUSAGE/.test(errors)) return 'package.json and package-lock.json do not fit each other: run `npm install` and commit the new package-lock.json.';
  if (/ENOSPC/.test(errors)) return 'The disk is full: kgpu needs about 500 MB for its packages.';
  return '`npm ci` failed; its own words are above.';
}
