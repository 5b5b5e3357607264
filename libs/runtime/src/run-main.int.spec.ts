import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startNatsServer, type NatsServer } from './nats-server.ts';
import { temporaryFolder, until } from './testing.ts';

describe('the process of a service', () => {
  let nats: NatsServer;
  const folder = temporaryFolder();
  const children: ChildProcess[] = [];

  /** Runs a service whose `close` is the given code; `said` is all that it prints. */
  function run(close: string, settings: Record<string, string> = {}, name = 'rental') {
    const script = `
      import { runMain } from ${JSON.stringify(join(import.meta.dirname, 'index.js'))};
      await runMain(${JSON.stringify(name)}, async () => ({ close: async () => { ${close} } }));
      console.log('started');`;
    const env = { PATH: process.env['PATH'], KGPU_DATA_DIR: folder.path, KGPU_NATS_URL: nats.url, KGPU_LOG_LEVEL: 'warn', ...settings };
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: import.meta.dirname, env });
    children.push(child);
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const ended = once(child, 'close').then(([code]) => code as number | null);
    return { child, ended, said: () => said, started: () => until(() => said.includes('started')) };
  }

  beforeAll(async () => {
    nats = await startNatsServer();
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });
  afterAll(async () => {
    await nats.close();
    folder.remove();
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('closes at %s and ends well', async (signal) => {
    const { child, ended, said, started } = run("console.log('closed');");
    await started();
    child.kill(signal);
    expect(await ended).toBe(0);
    expect(said()).toBe('started\nclosed\n');
  });

  it('ends at once at a second signal, but not when one signal comes twice', async () => {
    const { child, ended, said, started } = run("console.log('closing'); await new Promise(() => {});");
    await started();
    child.kill('SIGINT');
    await until(() => said().includes('closing'));
    child.kill('SIGINT');
    // What counts as a second signal is a matter of time: half a second.
    await sleep(600);
    expect(child.exitCode).toBeNull();
    child.kill('SIGINT');
    expect(await ended).toBe(1);
  });

  it('ends within five seconds whatever hangs', async () => {
    const { child, ended, said, started } = run('await new Promise(() => setInterval(() => {}, 1e6));');
    await started();
    const began = performance.now();
    child.kill('SIGTERM');
    expect(await ended).toBe(1);
    expect(performance.now() - began).toBeLessThan(6_000);
    expect(said()).toContain('not closed in time');
  });

  it('says wrong settings in plain lines', async () => {
    const { ended, said } = run('', { KGPU_PORT: 'eighty', KGPU_PROT: '1' });
    expect(await ended).toBe(2);
    expect(said()).toMatch(/^KGPU_PROT: there is no such setting\nKGPU_PORT: .*\n$/);
  });

  it('says in one line that the bus is not there', async () => {
    const { ended, said } = run('', { KGPU_NATS_URL: 'nats://127.0.0.1:1' });
    expect(await ended).toBe(2);
    expect(said()).toBe('No NATS server answers at nats://127.0.0.1:1. Start it, or set KGPU_NATS_URL to one that runs.\n');
  });

  it('is refused beside another one of its kind, not beside other services', async () => {
    const rental = run('');
    await rental.started();
    const again = run('');
    expect(await again.ended).toBe(2);
    expect(again.said()).toMatch(/^.* is used by another kgpu that is running\..*\n$/);
    await run('', {}, 'ledger').started();
  });
});
