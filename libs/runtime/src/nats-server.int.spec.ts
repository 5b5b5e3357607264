import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';
import { createLog } from './create-log.ts';
import { natsAddress } from './nats-address.ts';
import { connectBus } from './nats-bus.ts';
import { startNatsServer } from './nats-server.ts';
import { temporaryFolder, until } from './testing.ts';

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('a nats-server of our own', () => {
  it('listens on the loopback, takes 8 MiB, and is gone once it is closed', async () => {
    const nats = await startNatsServer();
    expect(nats.url).toMatch(/^nats:\/\/kgpu:\w{48}@127\.0\.0\.1:\d+$/);
    const client = await connect(natsAddress(nats.url));
    expect(client.info).toMatchObject({ host: '127.0.0.1', max_payload: 8 * 1024 * 1024 });
    await client.close();
    const { pid } = nats;
    await Promise.all([nats.close(), nats.close()]);
    await until(() => !isAlive(pid));
  });

  it('takes nobody who only knows its port, and says so', async () => {
    const nats = await startNatsServer();
    const [port] = natsAddress(nats.url).servers as string[];
    for (const url of [port!, port!.replace('//', '//kgpu:guess@')]) {
      await expect(connectBus({ url, log: createLog('silent') })).rejects.toThrow(/does not take these credentials/);
    }
    await nats.close();
  });

  it('keeps its settings for its owner in the folder that it is given, and takes them away', async () => {
    const { path, remove } = temporaryFolder();
    const folder = join(path, 'nats');
    const nats = await startNatsServer({ folder });
    expect(statSync(join(folder, 'nats.conf')).mode & 0o777).toBe(0o600);
    await nats.close();
    expect(existsSync(folder)).toBe(false);
    remove();
  });

  it('is started again at the same address as often as it dies', async () => {
    const nats = await startNatsServer();
    for (const _ of [1, 2, 3]) {
      const { pid } = nats;
      process.kill(pid, 'SIGKILL');
      await until(() => nats.pid !== pid);
      await (await connect(natsAddress(nats.url))).close();
    }
    await nats.close();
  });

  it('does not outlive a process that is killed', async () => {
    const script = `import { startNatsServer } from ${JSON.stringify(join(import.meta.dirname, 'nats-server.js'))}; console.log((await startNatsServer()).pid);`;
    const owner = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(owner.stdout, 'data')) as [Buffer];
    const pid = Number(String(line));
    expect(isAlive(pid)).toBe(true);
    owner.kill('SIGKILL');
    await until(() => !isAlive(pid));
  });

  it('is told for missing when what is found does not start', async () => {
    const folder = temporaryFolder();
    const path = process.env['PATH'];
    writeFileSync(join(folder.path, 'nats-server'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    process.env['PATH'] = `${folder.path}:${path}`;
    try {
      await expect(startNatsServer()).rejects.toThrow('nats-server did not start');
    } finally {
      process.env['PATH'] = path;
      folder.remove();
    }
  });
});
