/** Runs the `*.bench.js` modules beside it, or those named as arguments, one after the other, and prints a table. */
import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Row } from './row.ts';

const wanted = process.argv.slice(2);
const files = (await readdir(import.meta.dirname)).filter((file) => file.endsWith('.bench.js'));
const chosen = files.filter((file) => wanted.length === 0 || wanted.includes(basename(file, '.bench.js'))).sort();
if (chosen.length === 0) throw new Error(`No such bench. There are: ${files.map((file) => basename(file, '.bench.js')).join(', ') || 'none'}`);

for (const file of chosen) {
  const { run } = (await import(`./${file}`)) as { run: () => Promise<Row[]> };
  console.log(`\n${basename(file, '.bench.js')}`);
  for (const row of await run()) console.log(line(row));
}

function line({ what, value, unit, ratio, to }: Row): string {
  const amount = `${value.toLocaleString('en', { maximumSignificantDigits: 4 })} ${unit}`;
  return `  ${what.padEnd(52)}${amount.padStart(16)}${ratio === undefined ? '' : `   ${ratio.toFixed(2)} x ${to ?? ''}`}`;
}
