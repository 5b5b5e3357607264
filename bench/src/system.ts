/** What the benches of runs share: a system with one rental, a client of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Parts, spawnStandalone } from '@kgpu/standalone/testing';
import { once } from './once.ts';

export type { Parts };

export const IMAGE = 'kgpu-bench:1';
const quiet = { KGPU_LOG_LEVEL: 'warn', KGPU_RATE_LIMIT_PER_MINUTE: '100000000' };

export class BenchClient {
  readonly headers: Record<string, string>;

  constructor(
    readonly url: string,
    token: string,
    readonly gpuId = '',
  ) {
    this.headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  }

  async send<T>(method: string, path: string, body?: object): Promise<T> {
    return JSON.parse(await once(`${this.url}${path}`, this.headers, method, body && JSON.stringify(body))) as T;
  }

  /** Starts a run in the rental. */
  async start(command: string[], waitSeconds = 0): Promise<{ run_id: string; phase: string; stdout_bytes: number; stdout: string }> {
    return this.send('POST', '/v1/runs', { gpu_id: this.gpuId, command, wait_seconds: waitSeconds });
  }

  /** A reply as it comes. */
  open(path: string): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => void request(`${this.url}${path}`, { headers: this.headers, agent: false }, resolve).on('error', reject).end());
  }
}

/** Everything in one process, as `npm start` has it. */
export async function withStandalone<T>(settings: Record<string, string>, measure: (client: BenchClient) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'kgpu-bench-'));
  const system = await spawnStandalone({ KGPU_DATA_DIR: folder, KGPU_PORT: '0', ...quiet, ...settings });
  try {
    return await withRental(new BenchClient(system.url, system.adminToken), measure);
  } finally {
    await system.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Each part a process of its own. */
export async function withParts<T>(settings: Record<string, string>, measure: (client: BenchClient, parts: Parts) => Promise<T>): Promise<T> {
  const parts = await Parts.start({ settings: { KGPU_RATE_LIMIT_PER_MINUTE: '100000000', ...settings } });
  try {
    return await withRental(new BenchClient(parts.url, parts.adminToken), (client) => measure(client, parts));
  } finally {
    await parts.remove();
  }
}

async function withRental<T>(client: BenchClient, measure: (client: BenchClient) => Promise<T>): Promise<T> {
  const { gpu_id } = await client.send<{ gpu_id: string }>('POST', '/v1/gpus', { image: IMAGE, wait_seconds: 60 });
  try {
    return await measure(Object.assign(new BenchClient(client.url, '', gpu_id), { headers: client.headers }));
  } finally {
    await client.send('DELETE', `/v1/gpus/${gpu_id}`);
    while ((await client.send<{ phase: string }>('GET', `/v1/gpus/${gpu_id}?wait_seconds=20`)).phase === 'Ending');
  }
}

export function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
