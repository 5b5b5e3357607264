import { initScriptWithoutDrives } from '../launcher/scripts.ts';
import { defaultPath } from './enclosure.ts';
import type { Enclosure, Invocation } from './enclosure.ts';
import { findByArguments, findByVariable } from './kernel-process.ts';
import type { ProcessIdentity } from './kernel-process.ts';
import type { RentalFolder } from './rental-folder.ts';

/** By this variable a rental's processes are known: all inherit it. */
const marker = 'KGPU_FOLDER';

/** For machines without bubblewrap or user namespaces: ordinary processes of the user that the services run as. */
export class Plain implements Enclosure {
  readonly name = 'none';
  readonly warning = 'Without bubblewrap a rental has no /workspace, /files and /shared of its own: it works in a folder of this server ($HOME, $TMPDIR and the working folder).';
  readonly tellsPid = false;

  main(folder: RentalFolder, gpuId: string, env: Record<string, string>): Invocation {
    return { file: '/bin/sh', args: ['-c', initScriptWithoutDrives, 'kgpu-init', gpuId, folder.path], env: this.#environment(folder, env), cwd: folder.folder('workspace') };
  }

  exec(folder: RentalFolder, _main: ProcessIdentity, env: Record<string, string>, argv: readonly string[]): Invocation {
    const [file = '', ...args] = argv;
    return { file, args, env: this.#environment(folder, env), cwd: folder.folder('workspace') };
  }

  processes(folder: RentalFolder): ProcessIdentity[] {
    return findByVariable(marker, folder.path);
  }

  findMain(folder: RentalFolder, gpuId: string): ProcessIdentity | null {
    return findByArguments((argv) => argv.at(-3) === 'kgpu-init' && argv.at(-2) === gpuId && argv.at(-1) === folder.path)[0] ?? null;
  }

  #environment(folder: RentalFolder, env: Record<string, string>): Record<string, string> {
    const tmp = folder.folder('tmp');
    return {
      PATH: defaultPath, HOME: folder.folder('root'), TMPDIR: tmp, ...env,
      KGPU_RUNS: `${tmp}/kgpu/runs`, KGPU_READY_FILE: `${tmp}/kgpu/ready`, [marker]: folder.path,
    };
  }
}
