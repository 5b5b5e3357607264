import { existsSync, lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { driveProgramsFolder, initScript } from '../launcher/scripts.ts';
import { defaultPath } from './enclosure.ts';
import type { Enclosure, Invocation } from './enclosure.ts';
import { findByArguments, isAlive } from './kernel-process.ts';
import type { ProcessIdentity } from './kernel-process.ts';
import type { RentalFolder } from './rental-folder.ts';

/** Of /etc only what programs need: name resolution, certificates, the loader. */
const etcFiles = [
  'alternatives', 'ca-certificates', 'crypto-policies', 'hosts', 'ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'localtime',
  'mime.types', 'nsswitch.conf', 'pki', 'resolv.conf', 'services', 'ssl',
];

/** Where a rental finds the programs that mount its drives: /usr is the machine's, and read-only. */
const programsInside = '/run/kgpu/bin';

/**
 * A sandbox of its own per rental: user, process, IPC and host name namespaces, this machine's /usr read-only, nothing else
 * of its files. No limits and the machine's own network, so it is no security boundary. Drives are mounted inside, so that
 * this machine sees nothing of them and they go with the sandbox; only the main process has the right to mount, in the
 * sandbox' own user namespace.
 */
export class Bubblewrap implements Enclosure {
  readonly name = 'bubblewrap';
  readonly warning = null;
  readonly tellsPid = true;

  constructor(readonly bwrap: string, readonly nsenter: string, readonly mountDrives: boolean) {}

  main(folder: RentalFolder, gpuId: string, env: Record<string, string>): Invocation {
    const path = env['PATH'] ?? defaultPath;
    const { loader, rest } = splitEnvironment({
      HOME: '/root', ...env, PATH: this.mountDrives ? `${programsInside}:${path}` : path, KGPU_READY_FILE: '/tmp/kgpu/ready',
    });
    const args = [
      '--unshare-user', '--uid', '0', '--gid', '0', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--hostname', gpuId, '--new-session',
      ...systemFolders(), '--proc', '/proc', '--dev', '/dev', ...gpuDevices(), ...etcFiles.flatMap((name) => ['--ro-bind-try', `/etc/${name}`, `/etc/${name}`]),
      ...['passwd', 'group'].flatMap((name) => ['--ro-bind', `${folder.folder('etc')}/${name}`, `/etc/${name}`]),
      ...(['tmp', 'workspace', 'root'] as const).flatMap((name) => ['--bind', folder.folder(name), `/${name}`]),
      // where no drive is mounted, writing fails, instead of being lost with the rental
      ...(['files', 'shared'] as const).flatMap((name) => ['--ro-bind', folder.folder(name), `/${name}`]),
      '--dir', '/var/tmp', '--dir', '/run', ...(this.mountDrives ? mountRights : []), '--chdir', '/workspace', ...loader.flatMap(([name, value]) => ['--setenv', name, value]),
      '--as-pid-1', '--info-fd', '3', '--', '/bin/sh', '-c', initScript, 'kgpu-init', gpuId, folder.path,
    ];
    return { file: this.bwrap, args, env: rest, cwd: '/' };
  }

  exec(_folder: RentalFolder, main: ProcessIdentity, env: Record<string, string>, argv: readonly string[]): Invocation {
    const { loader, rest } = splitEnvironment({ PATH: defaultPath, HOME: '/root', ...env });
    const args = [
      '-t', `${main.pid}`, '-U', '-m', '-p', '-i', '-u', '--preserve-credentials', '--',
      '/usr/bin/setpriv', '--bounding-set=-all', '--inh-caps=-all', '--no-new-privs', '--',
      '/usr/bin/env', '-C', '/workspace', ...loader.map(([name, value]) => `${name}=${value}`), ...argv,
    ];
    return { file: this.nsenter, args, env: rest, cwd: '/' };
  }

  /** The kernel ends everything in the namespace with its process 1, before that one counts as ended. */
  processes(folder: RentalFolder, gpuId: string, main: ProcessIdentity | null): ProcessIdentity[] {
    return [...(main !== null && isAlive(main) ? [main] : []), ...findByArguments((argv) => isInit(argv, folder, gpuId))];
  }

  findMain(folder: RentalFolder, gpuId: string): ProcessIdentity | null {
    return findByArguments((argv) => argv[0] === '/bin/sh' && isInit(argv, folder, gpuId))[0] ?? null;
  }
}

const mountRights = [
  '--ro-bind', driveProgramsFolder, programsInside, '--dev-bind-try', '/dev/fuse', '/dev/fuse', '--cap-drop', 'ALL', '--cap-add', 'CAP_SYS_ADMIN',
];

/** Also the arguments of the bwrap that waits for its sandbox. */
function isInit(argv: string[], folder: RentalFolder, gpuId: string): boolean {
  return argv.at(-3) === 'kgpu-init' && argv.at(-2) === gpuId && argv.at(-1) === folder.path;
}

function systemFolders(): string[] {
  return ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'].filter((path) => existsSync(path)).flatMap((path) =>
    lstatSync(path).isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path]);
}

function gpuDevices(): string[] {
  const devices = readdirSync('/dev').filter((name) => name.startsWith('nvidia') || name === 'dri').map((name) => `/dev/${name}`);
  return [...devices.flatMap((path) => ['--dev-bind-try', path, path]), ...(devices.length > 0 ? ['--ro-bind', '/sys', '/sys'] : [])];
}

/**
 * A renter's variables for the loader must not reach bwrap and nsenter themselves, which run outside of the sandbox. The
 * others travel by the environment and not as arguments, which every user of the machine could read.
 */
function splitEnvironment(env: Record<string, string>): { loader: [string, string][]; rest: Record<string, string> } {
  const isLoader = (name: string) => /^(LD_|GLIBC_|GCONV_PATH$|LOCPATH$|NLSPATH$|MALLOC_)/.test(name);
  const entries = Object.entries(env);
  return { loader: entries.filter(([name]) => isLoader(name)), rest: Object.fromEntries(entries.filter(([name]) => !isLoader(name))) };
}
