import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { engineAddress } from '../docker/engine-http.ts';
import { importTestImage } from './import-test-image.ts';

const run = promisify(execFile);
const folder = fileURLToPath(new URL('../../../../infra/images/kgpu-base/', import.meta.url));
/** What the Dockerfile would install. */
const programs = ['rclone', 'fusermount', 'fusermount3', 'curl', 'zstd'];

export interface DriveImage {
  /** What `infra/images/kgpu-base` builds. */
  image: string;
  /** The image below: it has rclone and none of our programs. */
  base: string;
}

/**
 * Builds `infra/images/kgpu-base` without any registry: on this machine's busybox and programs instead of a distribution,
 * and without uv. `rclone` is the path of one to take instead of this machine's. The tags tell the contents, so that
 * nothing is built twice.
 */
export async function buildDriveImage(dockerHost: string, rclone = '/usr/bin/rclone'): Promise<DriveImage> {
  const docker = new Docker(engineAddress(dockerHost));
  const { stdout: release } = await run(rclone, ['version']);
  const base = `kgpu-test-rclone:${digest(release, readFileSync(new URL('./import-test-image.js', import.meta.url), 'utf8'))}`;
  const image = `kgpu-test-drives:${digest(base, ...sources())}`;
  if (!(await isThere(docker, base))) {
    const inside = Object.fromEntries(programs.map((program) => [`/usr/bin/${program}`, `/usr/bin/${program}`]));
    await importTestImage(dockerHost, [base], { programs: { ...inside, '/usr/bin/rclone': rclone } });
  }
  if (!(await isThere(docker, image))) await build(docker, base, image);
  return { image, base };
}

async function build(docker: Docker, base: string, image: string): Promise<void> {
  const tar = spawn('tar', ['-C', folder, '--numeric-owner', '--owner=0', '--group=0', '-c', '.'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const reply = await docker.buildImage(tar.stdout, { t: image, buildargs: { BASE: base, UV_VERSION: '' }, networkmode: 'none', forcerm: true });
  const said = await new Promise<{ error?: string }[]>((resolve, reject) => {
    docker.modem.followProgress(reply, (error, output) => (error === null ? resolve(output as { error?: string }[]) : reject(error)));
  });
  tar.stdout.destroy(); // the engine doesn't read the padding at its end
  const error = said.find((line) => line.error !== undefined)?.error;
  if (error !== undefined) throw new Error(`the image of the drives can't be built: ${error}`);
}

function sources(): string[] {
  const names = readdirSync(join(folder, 'bin')).map((name) => join('bin', name));
  return ['Dockerfile', ...names].map((name) => `${name}\n${readFileSync(join(folder, name), 'utf8')}`);
}

function digest(...texts: string[]): string {
  return createHash('sha256').update(texts.join('\0')).digest('hex').slice(0, 16);
}

async function isThere(docker: Docker, name: string): Promise<boolean> {
  try {
    await docker.getImage(name).inspect();
    return true;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return false;
    throw error;
  }
}
