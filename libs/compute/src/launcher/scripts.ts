import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What images have for drives: `kgpu-bootstrap` and the programs that mount and unmount. The process driver lends them to its rentals. */
export const driveProgramsFolder = fileURLToPath(new URL('../../../../infra/images/kgpu-base/bin/', import.meta.url));

/** The shell side of the launcher: files of their own in `launcher/`, so that they stay readable and can be checked by a shell. */
export const runScript = read(launcher('kgpu-run.sh'));
export const killScript = read(launcher('kgpu-kill.sh'));
const init = read(launcher('kgpu-init.sh'));
/** Brings the unmounting along, because an image may have rclone and none of our programs. */
export const initScript = `k_end() (\nset -- --end\n${read(`${driveProgramsFolder}kgpu-unmount`)}\n)\n${init}`;
/** For rentals that see the machine's own mounts, which are none of theirs. */
export const initScriptWithoutDrives = `k_end() { :; }\n${init}`;

function launcher(name: string): string {
  return fileURLToPath(new URL(`../../launcher/${name}`, import.meta.url));
}

/** Lines that are only comments stay behind: the text travels as an argument of every exec. */
function read(path: string): string {
  return readFileSync(path, 'utf8').split('\n').filter((line) => !/^\s*#/.test(line)).join('\n');
}
