import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startNatsServer, type NatsServer } from '@kgpu/runtime';
import { until } from '@kgpu/runtime/testing';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { callHttp, type Call } from '../testing.ts';

const main = join(import.meta.dirname, '../main.js');

/** A gateway as a process, which can be killed at any instant and started again on the same data. */
class Victim {
  readonly folder = mkdtempSync(join(tmpdir(), 'kgpu-crash-'));
  #process: ChildProcess | null = null;
  #url = '';
  #said = '';

  constructor(private readonly natsUrl: string) {}

  async start(): Promise<void> {
    const port = await freePort();
    this.#url = `http://127.0.0.1:${port}`;
    const settings = { KGPU_DATA_DIR: this.folder, KGPU_PORT: String(port), KGPU_NATS_URL: this.natsUrl, KGPU_LOG_LEVEL: 'error' };
    this.#process = spawn(process.execPath, [main], { env: { PATH: process.env['PATH'], ...settings }, stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process.stderr!.on('data', (chunk: Buffer) => (this.#said += chunk.toString()));
  }

  async answers(): Promise<void> {
    await until(async () => {
      const ended = this.#process!.exitCode;
      // Another program may have got the port in between: a start that an operator could put right is tried again.
      if (ended === 2) await this.start();
      else if (ended !== null) throw new Error(`the gateway ended with ${ended}: ${this.#said}`);
      return callHttp(this.#url, 'GET /livez').then(({ status }) => status === 200, () => false);
    }, 30_000);
  }

  call(request: string, call: Call = {}) {
    return callHttp(this.#url, request, { token: this.token, ...call });
  }

  get token(): string {
    return readFileSync(join(this.folder, 'admin-token'), 'utf8').trim();
  }

  async kill(): Promise<void> {
    const process = this.#process!;
    if (process.exitCode !== null || process.signalCode !== null) return;
    process.kill('SIGKILL');
    await once(process, 'exit');
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

describe('a gateway that is killed', () => {
  const victims: Victim[] = [];
  let nats: NatsServer;
  const newVictim = () => {
    victims.push(new Victim(nats.url));
    return victims.at(-1)!;
  };
  beforeAll(async () => {
    nats = await startNatsServer();
  });
  afterAll(async () => {
    for (const victim of victims) await victim.remove();
    await nats.close();
  });

  it('at any instant of its first start has one admin with one good token after the next', async () => {
    for (const afterMs of [250, 300, 350, 400, 450, 500]) {
      const victim = newVictim();
      await victim.start();
      await sleep(afterMs);
      await victim.kill();
      const token = existsSync(join(victim.folder, 'admin-token')) ? victim.token : null;
      await victim.start();
      await victim.answers();
      expect((await victim.call('GET /v1/me')).body).toMatchObject({ user_id: 1, role: 'admin' });
      expect((await victim.call('GET /v1/admin/users')).body.users).toHaveLength(1);
      if (token !== null) expect(victim.token).toBe(token);
      await victim.kill();
    }
  }, 120_000);

  it('while it answers keyed requests does each once, and gives every repeat one answer', async () => {
    const victim = newVictim();
    await victim.start();
    await victim.answers();
    const order = (n: number) => victim.call('POST /v1/admin/users', { body: { email: `crash${n}@lab.org` }, headers: { 'idempotency-key': `crash${n}` } });
    const token = (n: number) => victim.call('POST /v1/admin/users/1/tokens', { headers: { 'idempotency-key': `token${n}` } });
    const acknowledged = new Map<number, unknown>();
    for (let n = 0; n < 8; n++) {
      const numbers = Array.from({ length: 10 }, (_, i) => n * 10 + i);
      const answers = numbers.map((number) => order(number).then(({ body }) => acknowledged.set(number, body), () => undefined));
      const tokens = [token(n).then(({ body }) => acknowledged.set(-1 - n, body), () => undefined)];
      await sleep(Math.random() * 25);
      await victim.kill();
      await Promise.all([...answers, ...tokens]);
      await victim.start();
      await victim.answers();
    }
    for (let n = 0; n < 80; n++) {
      const { status, body } = await order(n);
      expect(status).toBe(201);
      expect(body).toEqual(acknowledged.get(n) ?? body);
    }
    for (let n = 0; n < 8; n++) {
      const { body } = await token(n);
      expect(body).toEqual(acknowledged.get(-1 - n) ?? body);
      expect((await victim.call('GET /v1/me', { token: body.token })).status).toBe(200);
    }
    const { users } = (await victim.call('GET /v1/admin/users?limit=500')).body;
    expect(users).toHaveLength(81);
  }, 120_000);
});
