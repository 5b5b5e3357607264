import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import Docker from 'dockerode';
import { engineAddress } from '../docker/engine-http.ts';
import { importTestImage } from './import-test-image.ts';

const folder = fileURLToPath(new URL('../../../../infra/images/kgpu-base/', import.meta.url));

/** What the image needs of this machine. */
export const drivePrograms = ['rclone', 'fusermount', 'fusermount3', 'curl', 'zstd'] as const;

/**
 * Builds `infra/images/kgpu-base` as `name`, without any registry: on this machine's busybox and programs instead of a
 * distribution, and without uv.
 */
export async function buildDriveImage(dockerHost: string, name: string): Promise<void> {
  const base = `${name.replace(':', '-on-')}:1`;
  await importTestImage(dockerHost, [base], { programs: drivePrograms });
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
