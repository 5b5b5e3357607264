/** Runs the `*.chaos.js` modules beside it, or those named as arguments, one after the other, and says what was done and what differed. */
import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';

/** What a chaos run has done, in words, and what was not as it should be. */
export interface Report {
  lines: string[];
  differences: string[];
}

const wanted = process.argv.slice(2);
const files = (await readdir(import.meta.dirname)).filter((file) => file.endsWith('.chaos.js'));
const chosen = files.filter((file) => wanted.length === 0 || wanted.includes(basename(file, '.chaos.js'))).sort();
if (chosen.length === 0) throw new Error(`No such chaos. There are: ${files.map((file) => basename(file, '.chaos.js')).join(', ') || 'none'}`);

for (const file of chosen) {
  const { run } = (await import(`./${file}`)) as { run: () => Promise<Report> };
  console.log(`\n${basename(file, '.chaos.js')}`);
  const { lines, differences } = await run();
  for (const line of lines) console.log(`  ${line}`);
  console.log(differences.length === 0 ? '  nothing differed' : differences.map((difference) => `  DIFFERENCE: ${difference}`).join('\n'));
  if (differences.length > 0) process.exitCode = 1;
}
