import { readFileSync } from 'node:fs';

/** The shell side of the launcher: files of their own in `launcher/`, so that they stay readable and can be checked by a shell. */
export const runScript = read('kgpu-run.sh');
export const killScript = read('kgpu-kill.sh');
export const initScript = read('kgpu-init.sh');

/** Lines that are only comments stay behind: the text travels as an argument of every exec. */
function read(name: string): string {
  const text = readFileSync(new URL(`../../launcher/${name}`, import.meta.url), 'utf8');
  return text.split('\n').filter((line) => !/^\s*#/.test(line)).join('\n');
}
