import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { dockerAvailable } from '../docker/docker-compute.ts';

export interface DockerEngine {
  dockerHost: string;
  /** Ends the engine if it was started here. */
  stop(): Promise<void>;
}

/** Why there is no engine to test with: for the names of skipped suites. */
export interface NoDockerEngine {
  dockerHost: null;
  reason: string;
}

const startDeadlineMs = 30_000;

/**
 * An engine for tests: that of `DOCKER_HOST` when it is set, else a private dockerd in a temporary folder (as root), else
 * the machine's own.
 */
export async function startDockerEngine(): Promise<DockerEngine | NoDockerEngine> {
  const given = process.env['DOCKER_HOST'];
  if (given) return (await answersInTime(given)) ? { dockerHost: given, stop: async () => {} } : none(`the engine at DOCKER_HOST does not answer`);
  const dockerd = ['/usr/sbin/dockerd', '/usr/bin/dockerd', '/usr/local/bin/dockerd'].find((path) => existsSync(path));
  if (dockerd !== undefined && process.getuid?.() === 0) return startOwn(dockerd);
  const machines = 'unix:///var/run/docker.sock';
  if (await dockerAvailable(machines)) return { dockerHost: machines, stop: async () => {} };
  return none(dockerd === undefined ? 'docker is not installed' : 'no engine answers, and only root can start one');
}

async function startOwn(dockerd: string): Promise<DockerEngine | NoDockerEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'kgpu-dockerd-'));
  const dockerHost = `unix://${folder}/docker.sock`;
  const log = await open(join(folder, 'log'), 'w');
  const args = ['--iptables=false', '--ip6tables=false', '--bridge=none', '-H', dockerHost, '--data-root', `${folder}/data`, '--exec-root', `${folder}/exec`, '-p', `${folder}/pid`];
  const engine = spawn(dockerd, args, { stdio: ['ignore', log.fd, log.fd], detached: true });
  const ended = new Promise<void>((resolve) => engine.on('exit', () => resolve()).on('error', () => resolve()));
  await log.close();
  const stop = async () => {
    engine.kill('SIGTERM');
    await Promise.race([ended, delay(15_000, undefined, { ref: false })]);
    engine.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true, maxRetries: 5 }).catch(() => {});
  };
  const deadline = performance.now() + startDeadlineMs;
  while (performance.now() < deadline && engine.exitCode === null) {
    if (await dockerAvailable(dockerHost)) return { dockerHost, stop };
    await delay(50);
  }
  const lastLine = (await readFile(join(folder, 'log'), 'utf8').catch(() => '')).trim().split('\n').at(-1) ?? '';
  await stop();
  return none(`dockerd does not run here: ${lastLine.slice(-200)}`);
}

/** On a machine that is busy with other tests an engine may need more than its usual second. */
async function answersInTime(dockerHost: string): Promise<boolean> {
  for (let tries = 0; tries < 10; tries++) {
    if (await dockerAvailable(dockerHost)) return true;
    await delay(500);
  }
  return false;
}

function none(reason: string): NoDockerEngine {
  return { dockerHost: null, reason };
}
