import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { define } from '@kgpu/contracts';
import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { Answers } from './answers.ts';
import { createLog } from './create-log.ts';
import { connectBus, type NatsBus } from './nats-bus.ts';
import { findNatsServer, startNatsServer, type NatsServer } from './nats-server.ts';
import { openContext, type OpenContext } from './open-context.ts';
import type { RunningService } from './service.ts';
import { startBusService } from './start-bus-service.ts';
import { settingsOf, temporaryFolder, until } from './testing.ts';

const Hello = define('files', 'query', 'spec-hello', z.object({}), z.object({ hello: z.literal('world') }));

@Controller()
class HelloController {
  @Answers(Hello)
  async hello() {
    return { hello: 'world' as const };
  }
}

const specModule = { module: HelloController, controllers: [HelloController] };

const log = createLog('silent');
const by = { requestId: 'r-1', deadlineMs: 500 };

/** A nats-server at a port that it keeps, to be stopped and started. */
async function restartableServer(): Promise<{ url: string; start(): Promise<void>; stop(): Promise<void> }> {
  const first = await startNatsServer();
  await first.close();
  const port = new URL(first.url).port;
  let child: ChildProcess | undefined;
  const start = async () => {
    child = spawn(findNatsServer()!, ['-a', '127.0.0.1', '-p', port], { stdio: 'ignore' });
    await until(() => connectBus({ url: first.url, log }).then((bus) => bus.close().then(() => true), () => null));
  };
  await start();
  return {
    url: first.url, start,
    async stop() {
      const ended = once(child!, 'exit');
      child!.kill('SIGKILL');
      await ended;
    },
  };
}

describe('an outage of the bus', () => {
  let nats: NatsServer;
  let context: OpenContext;
  let service: RunningService;
  let client: NatsBus;
  const folder = temporaryFolder();
  const helloAgain = () => until(() => client.ask(Hello, {}, by).catch(() => null));

  beforeAll(async () => {
    nats = await startNatsServer();
    context = await openContext(settingsOf(folder.path), { natsUrl: nats.url, log });
    service = await startBusService({ context, name: 'spec', module: specModule });
    client = await connectBus({ url: nats.url, log });
  });
  afterAll(async () => {
    await client.close();
    await service.close();
    await context.close();
    await nats.close();
    folder.remove();
  });

  it('ends by itself: the server is started again at the same address, services and clients find it', async () => {
    expect(await client.ask(Hello, {}, by)).toEqual({ hello: 'world' });
    const { pid, url } = nats;
    process.kill(pid, 'SIGKILL');
    await until(() => nats.pid !== pid);
    expect(await helloAgain()).toEqual({ hello: 'world' });
    expect(nats.url).toBe(url);
  });

  it('may last as long as it likes', async () => {
    const server = await restartableServer();
    const other = await connectBus({ url: server.url, log });
    const tries: string[] = [];
    void (async () => {
      for await (const { type } of other.connection.status()) tries.push(type);
    })();
    await server.stop();
    // The client's own limit would be ten.
    await until(() => tries.filter((type) => type === 'reconnecting').length > 12, 20_000);
    await server.start();
    await until(() => other.ping().catch(() => null));
    await other.close();
    await server.stop();
  });

  it('fails requests with a problem, and shows in the health', async () => {
    process.kill(nats.pid, 'SIGSTOP');
    try {
      await expect(client.ask(Hello, {}, by)).rejects.toMatchObject({ code: 'service_timeout' });
      expect((await context.health.check()).parts['bus']).toMatchObject({ ok: false });
    } finally {
      process.kill(nats.pid, 'SIGCONT');
    }
    expect(await helloAgain()).toEqual({ hello: 'world' });
    expect((await context.health.check()).ok).toBe(true);
  });

  it('does not keep a service from ending', async () => {
    await nats.close();
    await expect(until(() => client.ask(Hello, {}, by).catch(({ code }: { code: string }) => code === 'service_unavailable'))).resolves.toBe(true);
    const began = performance.now();
    await service.close();
    await context.close();
    await client.close();
    expect(performance.now() - began).toBeLessThan(3_000);
  });

  it('at the start is told in a sentence without the credentials of the address', async () => {
    const start = openContext(settingsOf(folder.path), { natsUrl: 'nats://me:hidden@127.0.0.1:1', log });
    await expect(start).rejects.toThrow('No NATS server answers at nats://…@127.0.0.1:1. Start it, or set KGPU_NATS_URL to one that runs.');
  });
});
