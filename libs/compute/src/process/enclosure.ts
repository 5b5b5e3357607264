import type { RentalFolder } from './rental-folder.ts';
import type { ProcessIdentity } from './kernel-process.ts';

/** A program with its arguments, variables and folder, as `spawn` takes it. */
export interface Invocation {
  file: string;
  args: string[];
  env: Record<string, string>;
  cwd: string;
}

/** How the processes of a rental are kept together and apart: in a bubblewrap sandbox, or not at all. */
export interface Enclosure {
  readonly name: 'bubblewrap' | 'none';
  /** What renters should know. */
  readonly warning: string | null;
  /** Starts the main process; it gets fd 3 to tell its number as JSON `{"child-pid": N}` when `tellsPid`. */
  main(folder: RentalFolder, gpuId: string, env: Record<string, string>): Invocation;
  readonly tellsPid: boolean;
  /** A further program beside the main process. */
  exec(folder: RentalFolder, main: ProcessIdentity, env: Record<string, string>, argv: readonly string[]): Invocation;
  /** Every live process of the rental: killing what this finds until it finds none ends it. */
  processes(folder: RentalFolder, gpuId: string, main: ProcessIdentity | null): ProcessIdentity[];
  /** The main process of a rental whose number was not recorded, as we were killed while we made it. */
  findMain(folder: RentalFolder, gpuId: string): ProcessIdentity | null;
}

export const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
