/** Runs through the whole system against what they cost at the least: `docker exec` of the same command in the same container. */
import { spawn, spawnSync } from 'node:child_process';
import { once as happens } from 'node:events';
import type { Readable } from 'node:stream';
import { importTestImage, startDockerEngine } from '@kgpu/compute/testing';
import type { Row } from './row.ts';
import { warmPages } from './warm-pages.ts';
import { IMAGE, median, withParts, withStandalone, type BenchClient } from './system.ts';

const RUNS = 21;
const AT_ONCE = 50;
const FILE_BYTES = 200_000_000;
/** What a run leaves in the system's cache: the container's copy and the record's, and something to spare. */
const PAGE_BYTES = 3 * FILE_BYTES;
const TIMES = 5;

export async function run(): Promise<Row[]> {
  const rows = [await withStandalone({ KGPU_COMPUTE: 'process' }, (client) => oneByOne('process', client))];
  const engine = await startDockerEngine();
  if (engine.dockerHost === null) {
    console.log(`  (docker left out: ${engine.reason})`);
    return rows;
  }
  try {
    await importTestImage(engine.dockerHost, [IMAGE]);
    rows.push(...await withStandalone({ KGPU_COMPUTE: 'docker', DOCKER_HOST: engine.dockerHost }, async (client) => {
      const docker = new DockerExec(engine.dockerHost, client.gpuId);
      return [await oneByOne('docker', client, docker), await atOnce(client, docker), await output('one process', client, docker)];
    }));
    rows.push(await withParts({ KGPU_COMPUTE: 'docker', DOCKER_HOST: engine.dockerHost }, (client) =>
      output('a process per service', client, new DockerExec(engine.dockerHost, client.gpuId))));
    return rows;
  } finally {
    await engine.stop();
  }
}

/** Median of `POST /v1/runs ["true"]` until its reply; the yardstick runs in turns with it, since machines are noisy. */
async function oneByOne(driver: string, client: BenchClient, docker?: DockerExec): Promise<Row> {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let n = 0; n < RUNS; n++) {
    ours.push(await took(() => client.start(['true'], 10)));
    if (docker !== undefined) theirs.push(await took(() => docker.run('true')));
  }
  const value = median(ours);
  const row = { what: `POST /v1/runs ["true"] until its reply, ${driver}`, value, unit: 'ms' };
  return docker === undefined ? row : { ...row, ratio: median(theirs) / value, to: '`docker exec c true`' };
}

/** Fifty together, until all have ended; throws unless all succeed. */
async function atOnce(client: BenchClient, docker: DockerExec): Promise<Row> {
  const theirs = await took(() => Promise.all(Array.from({ length: AT_ONCE }, () => docker.run('true'))));
  const value = await took(async () => {
    const runs = await Promise.all(Array.from({ length: AT_ONCE }, () => client.start(['true'], 60)));
    const failed = runs.filter(({ phase }) => phase !== 'Succeeded');
    if (failed.length > 0) throw new Error(`${failed.length} of ${AT_ONCE} starts at once failed: ${JSON.stringify(failed[0])}`);
  });
  return { what: `${AT_ONCE} starts at once, until all have succeeded`, value, unit: 'ms', ratio: theirs / value, to: '`docker exec` at once' };
}

/** 200 MB of numbered lines that are there already, from the request until the last byte has come. */
async function output(how: string, client: BenchClient, docker: DockerExec): Promise<Row> {
  await docker.run('sh', '-c', `awk 'BEGIN { for (i = 0; i < ${FILE_BYTES / 20}; i++) printf "%019d\\n", i }' >/tmp/lines`);
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let n = 0; n < TIMES; n++) {
    warmPages(PAGE_BYTES);
    theirs.push(await took(() => docker.run('cat', '/tmp/lines')));
    warmPages(PAGE_BYTES);
    ours.push(await took(async () => {
      const { run_id } = await client.start(['cat', '/tmp/lines']);
      const bytes = await countBytes(await client.open(`/v1/runs/${run_id}/logs?follow=1`));
      if (bytes !== FILE_BYTES) throw new Error(`${bytes} bytes came instead of ${FILE_BYTES}`);
    }));
  }
  const seconds = median(ours) / 1_000;
  return { what: `200 MB through /logs?follow=1, recorded, ${how}`, value: FILE_BYTES / 1e6 / seconds, unit: 'MB/s', ratio: median(theirs) / median(ours), to: '`docker exec c cat`' };
}

class DockerExec {
  readonly #container: string;

  constructor(private readonly host: string, gpuId: string) {
    this.#container = spawnSync('docker', ['-H', host, 'ps', '-q', '--filter', `label=kgpu.gpu=${gpuId}`], { encoding: 'utf8' }).stdout.trim();
  }

  /** Its output is read and thrown away. */
  async run(...command: string[]): Promise<void> {
    const child = spawn('docker', ['-H', this.host, 'exec', this.#container, ...command], { stdio: ['ignore', 'pipe', 'inherit'] });
    void countBytes(child.stdout);
    const [code] = (await happens(child, 'close')) as [number];
    if (code !== 0) throw new Error(`docker exec ended with ${code}`);
  }
}

/** Reads to the end and keeps nothing: the same for both sides. */
async function countBytes(stream: Readable): Promise<number> {
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => (bytes += chunk.length));
  await happens(stream, 'end');
  return bytes;
}

async function took(act: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await act();
  return performance.now() - begun;
}
