/** The life of a process: settings, start, one handler of signals, an end within a bounded time. */
import { ConfigError, readConfig, type Config } from '@kgpu/contracts';
import type { Logger } from 'pino';
import { createLog } from './create-log.ts';
import { FolderInUse, lockFolder } from './folder-lock.ts';
import { BusUnreachable } from './nats-bus.ts';
import { NatsServerMissing } from './nats-server.ts';
import { openContext, openDataFolder } from './open-context.ts';
import type { RunningService, StartService } from './service.ts';

const CLOSE_DEADLINE_MS = 5_000;
const SAME_SIGNAL_MS = 500;
const DEFAULT_NATS_URL = 'nats://127.0.0.1:4222';

/**
 * Runs one service as a process of its own. It needs KGPU_NATS_URL, or a nats-server at its usual port. `replicas`: so many may
 * share the work on one data folder.
 */
export async function runMain(name: string, start: StartService, { replicas = 1 } = {}): Promise<void> {
  await runProcess(async (config, log) => {
    const lock = lockFolder(openDataFolder(config), name, replicas);
    const context = await openContext(config, { natsUrl: config.KGPU_NATS_URL ?? DEFAULT_NATS_URL, log, name, replica: lock.number });
    const service = await start(context).catch(async (error: unknown) => {
      await context.close();
      throw error;
    });
    log.info({ service: name }, 'answers');
    return { close: async () => { context.beginStop(); await service.close(); await context.close(); lock.release(); } };
  });
}

/**
 * Reads the settings, starts, and ends by SIGINT or SIGTERM within 5 s (a second signal ends at once). What an operator can put
 * right (a wrong setting, a folder in use, no bus) is said in plain lines with exit status 2.
 */
export async function runProcess(start: (config: Config, log: Logger) => Promise<RunningService>): Promise<void> {
  try {
    const config = readConfig(process.env);
    const log = createLog(config.KGPU_LOG_LEVEL);
    const service = await start(config, log);
    endBySignal(service, log);
  } catch (error) {
    const forOperators = error instanceof ConfigError || error instanceof FolderInUse || error instanceof NatsServerMissing || error instanceof BusUnreachable;
    console.error(forOperators ? error.message : error);
    process.exit(forOperators ? 2 : 1);
  }
}

function endBySignal(service: RunningService, log: Logger): void {
  let endingSince: number | null = null;
  const end = () => {
    if (endingSince !== null) {
      // One Ctrl-C comes several times: from the terminal, and from every npm and shell in between.
      if (performance.now() - endingSince > SAME_SIGNAL_MS) process.exit(1);
      return;
    }
    endingSince = performance.now();
    setTimeout(() => {
      log.error('not closed in time; ending all the same');
      process.exit(1);
    }, CLOSE_DEADLINE_MS).unref();
    service.close().then(() => process.exit(0), (error: unknown) => {
      log.error({ err: error }, 'could not close');
      process.exit(1);
    });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, end);
}
