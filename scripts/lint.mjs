/** `npm run lint`, `npm run fix`: oxlint over everything, with types, so the packages are built first. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setUp } from './setup.mjs';
import { root } from './setup/root.mjs';

await setUp('.');
const oxlint = join(root, 'node_modules', 'oxlint', 'bin', 'oxlint');
const { status } = spawnSync(process.execPath, [oxlint, '--type-aware', '--deny-warnings', ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' });
process.exitCode = status ?? 1;
