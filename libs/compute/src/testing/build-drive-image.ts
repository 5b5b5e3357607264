import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import Docker from 'dockerode';
import { engineAddress } from '../docker/engine-http.ts';
import { importTestImage } from './import-test-image.ts';

const folder = fileURLToPath(new URL('../../../../infra/images/kgpu-base/', import.meta.url));

/** What the Dockerfile would install. */
const programs = ['rclone', 'fusermount', 'fusermount3', 'curl', 'zstd'];

/**
 * Builds `infra/images/kgpu-base` as `name`, without any registry: on this machine's busybox and programs instead of a
 * distribution, and without uv. `rclone` is the path of one to take instead of this machine's.
 */
export async function buildDriveImage(dockerHost: string, name: string, rclone?: string): Promise<void> {
  const base = `${name.replace(':', '-on-')}:1`;
  const own = Object.fromEntries(programs.map((program) => [`/usr/bin/${program}`, `/usr/bin/${program}`]));
  await importTestImage(dockerHost, [base], { programs: rclone === undefined ? own : { ...own, '/usr/bin/rclone': rclone } });
  const docker = new Docker(engineAddress(dockerHost));
  const tar = spawn('tar', ['-C', folder, '--numeric-owner', '--owner=0', '--group=0', '-c', '.'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const reply = await docker.buildImage(tar.stdout, { t: name, buildargs: { BASE: base, UV_VERSION: '' }, networkmode: 'none', forcerm: true });
  const said = await new Promise<{ error?: string }[]>((resolve, reject) => {
    docker.modem.followProgress(reply, (error, output) => (error === null ? resolve(output as { error?: string }[]) : reject(error)));
  });
  tar.stdout.destroy(); // the engine doesn't read the padding at its end
  const error = said.find((line) => line.error !== undefined)?.error;
  if (error !== undefined) throw new Error(`the image of the drives can't be built: ${error}`);
}
