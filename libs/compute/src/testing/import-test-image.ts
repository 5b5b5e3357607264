import { execFile, spawn } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { finished } from 'node:stream/promises';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { engineAddress } from '../docker/engine-http.ts';

const run = promisify(execFile);

/** What `nvidia-smi` says in the test image. */
export const testGpu = 'NVIDIA GB10';

export interface TestImageOptions {
  /** Dockerfile instructions, such as `USER 1000` or `CMD [...]`. */
  changes?: string[];
  /** Without /bin/sh and the other programs: only /bin/busybox. */
  withoutShell?: boolean;
  /** Programs by path, such as `/usr/bin/curl`: each is that file of this machine, with the libraries that it loads. */
  programs?: Record<string, string>;
  /** Scripts by path, such as `/usr/local/bin/kgpu-bootstrap`. */
  scripts?: Record<string, string>;
}

/**
 * Makes an image out of this machine's static busybox, without any registry, under each of `names` (`repository:tag`). It
 * has busybox' programs, a folder for users, and an `nvidia-smi` that tells of one GPU.
 */
export async function importTestImage(dockerHost: string, names: readonly string[], options: TestImageOptions = {}): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'kgpu-image-'));
  try {
    await fill(folder, options);
    const docker = new Docker(engineAddress(dockerHost));
    for (const name of names) await importFolder(docker, folder, name, options.changes ?? []);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function fill(folder: string, { withoutShell = false, scripts = {}, programs = {} }: TestImageOptions): Promise<void> {
  for (const name of ['bin', 'etc', 'usr/bin', 'usr/local/bin', 'root', 'workspace', 'tmp']) await mkdir(join(folder, name), { recursive: true });
  await chmod(join(folder, 'tmp'), 0o1777);
  const { stdout: busybox } = await run('sh', ['-c', 'command -v busybox']);
  await copyFile(busybox.trim(), join(folder, 'bin/busybox'));
  if (!withoutShell) await run('chroot', [folder, '/bin/busybox', '--install', '-s', '/bin']).catch(() => linkByHand(folder));
  await writeFile(join(folder, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/workspace:/bin/sh\n');
  await writeFile(join(folder, 'etc/group'), 'root:x:0:\nuser:x:1000:\n');
  for (const [path, program] of Object.entries(programs)) await copyProgram(folder, path, program);
  const nvidiaSmi = `#!/bin/sh\ncase $1 in -L) echo 'GPU 0: ${testGpu} (UUID: GPU-00000000-0000-0000-0000-000000000000)' ;; *) echo '${testGpu}' ;; esac\n`;
  for (const [path, text] of Object.entries({ '/usr/bin/nvidia-smi': nvidiaSmi, ...scripts })) await writeFile(join(folder, path), text, { mode: 0o755 });
}

async function copyProgram(folder: string, path: string, program: string): Promise<void> {
  const { stdout } = await run('ldd', [program]).catch(() => ({ stdout: '' })); // it fails for a static one
  const libraries = stdout.match(/\/\S+(?= \(0x)/g) ?? [];
  for (const [inside, file] of [[path, program], ...libraries.map((library) => [library, library])] as [string, string][]) {
    await mkdir(join(folder, dirname(inside)), { recursive: true });
    await copyFile(file, join(folder, inside));
  }
}

async function linkByHand(folder: string): Promise<void> {
  await run('sh', ['-c', 'for name in $(busybox --list); do [ "$name" = busybox ] || ln -s busybox "$1/bin/$name"; done', 'sh', folder]);
}

async function importFolder(docker: Docker, folder: string, name: string, changes: string[]): Promise<void> {
  const colon = name.lastIndexOf(':');
  const tar = spawn('tar', ['-C', folder, '--numeric-owner', '--owner=0', '--group=0', '-c', '.'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const reply = await docker.importImage(tar.stdout, { repo: name.slice(0, colon), tag: name.slice(colon + 1), changes });
  let said = '';
  reply.on('data', (chunk: Buffer) => { said += chunk.toString('utf8'); });
  await finished(reply);
  if (/"error/.test(said)) throw new Error(`the test image can't be imported: ${said.slice(-300)}`);
}
