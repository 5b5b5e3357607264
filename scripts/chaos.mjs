/**
 * `npm run chaos [-- ledger|runs] [options]`: random lives with kills, as many as a pull request has no time for; all kinds of them
 * without a name. Each kind is a module that exports `chaos(options)` and rejects when something is wrong.
 */
import { setUp } from './setup.mjs';

const kinds = {
  ledger: '../services/ledger/dist/testing/chaos.js',
  runs: '../e2e/dist/chaos/runs.js',
};

const [wanted, ...options] = process.argv.slice(2);
const isNamed = wanted !== undefined && !wanted.startsWith('-');
if (isNamed && !(wanted in kinds)) {
  console.error(`There is no chaos "${wanted}". There are: ${Object.keys(kinds).join(', ')}.`);
  process.exit(1);
}

await setUp('.');
for (const kind of isNamed ? [wanted] : Object.keys(kinds)) {
  const { chaos } = await import(kinds[kind]);
  try {
    await chaos(isNamed ? options : []);
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
}
