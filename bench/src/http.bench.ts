/** The front door against bare node:http that answers with the same bytes; start and memory of `npm start`. */
import { createServer } from 'node:http';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnStandalone } from '@kgpu/standalone/testing';
import { measure } from './measure.ts';
import type { Row } from './row.ts';

export async function run(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'kgpu-bench-'));
  const begun = performance.now();
  const system = await spawnStandalone({ KGPU_DATA_DIR: folder, KGPU_PORT: '0', KGPU_COMPUTE: 'process', KGPU_LOG_LEVEL: 'warn', KGPU_RATE_LIMIT_PER_MINUTE: '100000000' });
  const startMs = performance.now() - begun;
  const startMb = residentMb(system.pid);
  const authorization = { authorization: `Bearer ${system.adminToken}`, 'content-type': 'application/json' };
  try {
    const anonymous = await measure(`${system.url}/v1/gpus`, {});
    const known = await measure(`${system.url}/v1/gpus`, authorization);
    const bareAnonymous = await measureBare(anonymous.body);
    const bareKnown = await measureBare(known.body);
    return [
      { what: 'npm start, nothing stale, until it answers', value: startMs, unit: 'ms' },
      { what: 'memory then (resident)', value: startMb, unit: 'MB' },
      { what: 'GET /v1/gpus, public', value: anonymous.rate, unit: '/s', ratio: anonymous.rate / bareAnonymous, to: 'bare node:http' },
      { what: 'GET /v1/gpus, with a token', value: known.rate, unit: '/s', ratio: known.rate / bareKnown, to: 'bare node:http' },
    ];
  } finally {
    await system.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureBare(body: string): Promise<number> {
  const server = createServer((_request, response) => response.setHeader('content-type', 'application/json; charset=utf-8').end(body));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  try {
    return (await measure(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, {})).rate;
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

function residentMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1_024;
}
