/**
 * What every command does first: the right Node, the packages of package-lock.json, a fresh build. Plain JavaScript
 * without dependencies, because it runs before there is a node_modules, on whatever Node the machine has (20 or newer).
 */
import { buildProjects } from './setup/build.mjs';
import { fail } from './setup/fail.mjs';
import { installPackages, packagesAreInstalled } from './setup/install.mjs';
import { alone } from './setup/lock.mjs';
import { continueOnNode24, nodeIsNewEnough } from './setup/node24.mjs';

/**
 * Resolves when `projects` (folders with a tsconfig.json) can be run by this process. Takes about 0.3 s when nothing is
 * stale. On an old Node the command goes on in a child process on the Node of node_modules, and this call never returns.
 */
export async function setUp(...projects) {
  if (Number(process.versions.node.split('.')[0]) < 20) {
    fail(`kgpu needs Node 20 or newer to start, and this is ${process.version}: install one from https://nodejs.org.`);
  }
  if (!packagesAreInstalled()) await alone(() => packagesAreInstalled() || installPackages());
  if (!nodeIsNewEnough()) await continueOnNode24();
  if (projects.length > 0) await alone(() => buildProjects(projects));
}
