/**
 * `node scripts/readme-config.mjs [--check]`: writes the table of settings into README.md, between the two marker lines,
 * from the schema that reads them. With `--check` it changes nothing and fails when the table is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setUp } from './setup.mjs';
import { fail } from './setup/fail.mjs';
import { root } from './setup/root.mjs';

const START = '<!-- config:start (made by scripts/readme-config.mjs) -->';
const END = '<!-- config:end -->';

await setUp('libs/contracts');
const { configSchema } = await import('../libs/contracts/dist/index.js');
const path = join(root, 'README.md');
const readme = readFileSync(path, 'utf8');
const [before, after] = [readme.indexOf(START), readme.indexOf(END)];
if (before < 0 || after < before) fail(`README.md needs the lines \`${START}\` and \`${END}\` around the table of settings.`);
const fresh = `${readme.slice(0, before)}${START}\n${table(configSchema.shape)}\n${readme.slice(after)}`;
if (fresh === readme) process.exit(0);
if (process.argv.includes('--check')) fail('The table of settings in README.md is stale: run `node scripts/readme-config.mjs`.');
writeFileSync(path, fresh);

function table(shape) {
  const rows = Object.entries(shape).map(([name, schema]) => `| \`${name}\` | ${defaultOf(schema)} | ${schema.meta()?.description ?? ''} |`);
  return ['| Setting | Default | What |', '|---|---|---|', ...rows].join('\n');
}

/** As one would type it: an unset variable means the default, or nothing. */
function defaultOf(schema) {
  const { defaultValue } = schema.def;
  if (defaultValue === undefined || (Array.isArray(defaultValue) && defaultValue.length === 0)) return '–';
  return `\`${defaultValue === false ? '0' : String(defaultValue)}\``;
}
