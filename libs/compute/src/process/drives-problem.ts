import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';

/** What rentals see of this machine's programs. */
const programFolders = ['/usr/local/bin', '/usr/bin', '/bin'];

/** Why rentals of this machine can't mount drives, as far as it can be seen without trying; null when they can. */
export function drivesProblem(): string | null {
  const missing = ['rclone', 'fusermount3'].filter((program) => !programFolders.some((folder) => existsSync(join(folder, program))));
  if (missing.length > 0) return `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not installed here`;
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
    return null;
  } catch {
    return '/dev/fuse is not there or not open to the user that the server runs as';
  }
}
