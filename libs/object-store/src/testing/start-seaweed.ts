import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { S3ObjectStoreOptions } from '../s3-object-store.ts';
import { freePorts } from './free-ports.ts';
import { seaweedBinary } from './seaweed-binary.ts';

/** A SeaweedFS of its own, with one bucket. */
export interface Seaweed {
  options: S3ObjectStoreOptions;
  /** Makes it answer nothing, as a store that hangs, and goes on again. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

/** Why there is none to test with: for the names of skipped suites. */
export interface NoSeaweed {
  options: null;
  reason: string;
}

const credentials = { accessKeyId: 'kgpu-test', secretAccessKey: 'kgpu-test-secret' };
const bucket = 'kgpu';
const startDeadlineMs = 30_000;

/** Starts one on free loopback ports, its data in a temporary folder. */
export async function startSeaweed(): Promise<Seaweed | NoSeaweed> {
  let weed: string;
  try {
    weed = await seaweedBinary();
  } catch (error) {
    return { options: null, reason: (error as Error).message };
  }
  const folder = await mkdtemp(join(tmpdir(), 'kgpu-seaweed-'));
  const [s3Port, ...ports] = await freePorts(9);
  await writeFile(join(folder, 's3.json'), JSON.stringify({
    identities: [{ name: 'test', credentials: [{ accessKey: credentials.accessKeyId, secretKey: credentials.secretAccessKey }], actions: ['Admin', 'Read', 'Write', 'List', 'Tagging'] }],
  }));
  const log = await open(join(folder, 'log'), 'w');
  const server = spawn(weed, argumentsFor(folder, s3Port!, ports), { stdio: ['ignore', log.fd, log.fd], cwd: folder });
  server.on('error', () => {});
  await log.close();
  const options = { endpoint: `http://127.0.0.1:${s3Port}`, publicEndpoint: `http://localhost:${s3Port}`, region: 'us-east-1', bucket, ...credentials };
  if (await isUp(server, options)) {
    return { options, freeze: () => void server.kill('SIGSTOP'), thaw: () => void server.kill('SIGCONT'), stop: () => stop(server, folder) };
  }
  const lastLine = (await readFile(join(folder, 'log'), 'utf8')).trim().split('\n').at(-1) ?? '';
  await stop(server, folder);
  return { options: null, reason: `SeaweedFS does not run here: ${lastLine.slice(-200)}` };
}

function argumentsFor(folder: string, s3Port: number, ports: readonly number[]): string[] {
  const names = ['s3.port.grpc', 'filer.port', 'filer.port.grpc', 'master.port', 'master.port.grpc', 'volume.port', 'volume.port.grpc'];
  return [
    'server', '-ip=127.0.0.1', '-ip.bind=127.0.0.1', `-dir=${folder}`, '-filer', '-s3', `-s3.port=${s3Port}`, `-s3.config=${join(folder, 's3.json')}`,
    ...names.map((name, index) => `-${name}=${ports[index]}`), '-s3.port.iceberg=0', '-s3.port.lance=0', `-s3.localSocket=${join(folder, 's3.sock')}`,
    `-filer.localSocket=${join(folder, 'filer.sock')}`, '-volume.max=20', '-master.volumeSizeLimitMB=64', '-master.telemetry=false',
  ];
}

/** It answers once the filer is there; the bucket can be made once a volume is. */
async function isUp(server: ChildProcess, { endpoint, region }: { endpoint: string; region: string }): Promise<boolean> {
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true, maxAttempts: 1 });
  const deadline = performance.now() + startDeadlineMs;
  try {
    while (performance.now() < deadline && server.exitCode === null && server.pid !== undefined) {
      const made = await client.send(new CreateBucketCommand({ Bucket: bucket }), { abortSignal: AbortSignal.timeout(2_000) }).then(() => true, () => false);
      if (made) return true;
      await delay(100);
    }
    return false;
  } finally {
    client.destroy();
  }
}

async function stop(server: ChildProcess, folder: string): Promise<void> {
  if (server.exitCode === null && server.signalCode === null && server.pid !== undefined) {
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
