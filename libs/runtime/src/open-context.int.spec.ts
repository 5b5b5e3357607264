import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { eventCodec } from '@kgpu/contracts';
import { createLog } from './create-log.ts';
import { startNatsServer, type NatsServer } from './nats-server.ts';
import { openContext, type OpenContext } from './open-context.ts';
import { settingsOf, temporaryFolder, until } from './testing.ts';

const log = createLog('silent');
const suspended = (at: Date) => eventCodec.encode({ type: 'UserStatusChanged', data: { user_id: 1, status: 'suspended', at: at.toISOString() } });

describe('a context', () => {
  let nats: NatsServer;
  let folder: ReturnType<typeof temporaryFolder>;
  const opened: OpenContext[] = [];
  const open = async (settings: Record<string, string> = {}) => {
    const context = await openContext(settingsOf(folder.path, settings), { natsUrl: nats.url, log });
    opened.push(context);
    return context;
  };
  const closeAll = async () => {
    for (const context of opened.splice(0)) await context.close();
  };

  beforeAll(async () => {
    nats = await startNatsServer();
  });
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(async () => {
    await closeAll();
    folder.remove();
  });
  afterAll(() => nats.close());

  it('lies in a folder for its owner only', async () => {
    await open();
    expect(statSync(folder.path).mode & 0o777).toBe(0o700);
    for (const name of ['install.json', 'clock.json']) expect(statSync(join(folder.path, name)).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder.path).filter((name) => name.endsWith('.new'))).toEqual([]);
  });

  it('keeps its id and its secret', async () => {
    const { secret, installId } = await open();
    await closeAll();
    expect(await open()).toMatchObject({ secret, installId });
    expect(secret).toHaveLength(32);
  });

  it('has a secret of its own when the settings no longer give one', async () => {
    const given = 'a secret that has 32 characters!';
    expect((await open({ KGPU_SESSION_SECRET: given })).secret.toString()).toBe(given);
    expect((await open()).secret).toHaveLength(32);
    expect((await open()).secret.toString()).not.toBe(given);
  });

  it('is the same for processes that start at once on an empty folder', async () => {
    const script = `
      import { readConfig } from '@kgpu/contracts';
      import { once } from 'node:events';
      import { createLog, openContext } from ${JSON.stringify(join(import.meta.dirname, 'index.js'))};
      console.log('loaded');
      await once(process.stdin, 'data');
      const config = readConfig({ KGPU_DATA_DIR: process.argv[1], KGPU_LOG_LEVEL: 'silent', KGPU_EVENT_STORE: 'memory:' });
      const { secret, installId } = await openContext(config, { natsUrl: process.argv[2], log: createLog('silent') });
      console.log(secret.toString('hex'), installId);`;
    const children = [1, 2, 3].map(() =>
      spawn(process.execPath, ['--input-type=module', '-e', script, folder.path, nats.url], { cwd: import.meta.dirname, stdio: ['pipe', 'pipe', 'inherit'] }));
    try {
      await Promise.all(children.map(({ stdout }) => once(stdout, 'data')));
      const installs = Promise.all(children.map(async ({ stdout }) => String(await once(stdout, 'data'))));
      for (const { stdin } of children) stdin.write('go');
      expect(await installs).toEqual(children.map(() => expect.stringMatching(/^[0-9a-f]{64} [0-9a-f]{12}\n$/)));
      expect(new Set(await installs).size).toBe(1);
    } finally {
      for (const child of children) child.kill('SIGKILL');
    }
  });

  it('goes on behind the last fact on record', async () => {
    const { store } = await open();
    const future = new Date(Date.now() + 3_600_000);
    await store.append('directory', [suspended(future)], { expected: 'any', commitId: 'x' });
    await closeAll();
    expect((await open()).clock.now().getTime()).toBeGreaterThanOrEqual(future.getTime());
  });

  it('hears at once of what another process records', async () => {
    const [writer, reader] = [await open(), await open()];
    const seen: number[] = [];
    for (const name of ['store', 'expiring'] as const) {
      const subscription = reader[name].subscribe({}, ({ position }) => void seen.push(position));
      await subscription.caughtUp;
      seen.length = 0;
      const began = performance.now();
      await writer[name].append('directory', [suspended(new Date())], { expected: 'any', commitId: 'x' });
      await until(() => seen.length === 1);
      // Without the hint it is the subscription's own look, once a second.
      expect(performance.now() - began).toBeLessThan(500);
    }
  });

  it('tells how its parts are', async () => {
    const { health, metrics } = await open();
    expect(await health.check()).toEqual({ ok: true, parts: { bus: { ok: true }, event_store: { ok: true } } });
    expect(await metrics.metrics()).toContain('process_cpu_seconds_total');
  });
});
