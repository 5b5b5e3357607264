/** What specs start: a bus of their own, a context, a clock they move by hand. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readConfig, type Config } from '@kgpu/contracts';
import { createLog } from './create-log.ts';
import { startNatsServer } from './nats-server.ts';
import { openContext, type OpenContext } from './open-context.ts';
import type { Clock } from './service.ts';

export interface TestContext extends OpenContext {
  /** The bus, to connect another process to it. */
  natsUrl: string;
}

export interface TestContextOptions {
  clock?: Clock;
  /** Settings as in the environment. */
  config?: Record<string, string>;
}

/** A context on a data folder and a nats-server of its own; `close` takes both away, unless the folder was given. */
export async function testContext({ clock, config = {} }: TestContextOptions = {}): Promise<TestContext> {
  const folder = temporaryFolder();
  const settings = settingsOf(folder.path, config);
  const nats = await startNatsServer();
  const cleanUp = async () => {
    await nats.close();
    folder.remove();
  };
  try {
    const context = await openContext(settings, { natsUrl: nats.url, log: createLog(settings.KGPU_LOG_LEVEL), ...(clock === undefined ? {} : { clock }) });
    return {
      ...context,
      natsUrl: nats.url,
      async close() {
        await context.close();
        await cleanUp();
      },
    };
  } catch (error) {
    await cleanUp();
    throw error;
  }
}

/** Settings of a quiet system in `folder`; `config` is as in the environment. */
export function settingsOf(folder: string, config: Record<string, string> = {}): Config {
  return readConfig({ KGPU_DATA_DIR: folder, KGPU_COMPUTE: 'process', KGPU_LOG_LEVEL: 'silent', KGPU_PORT: '0', ...config });
}

/** A folder for one spec. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'kgpu-spec-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export interface ManualClock extends Clock {
  advance(ms: number): void;
}

/** Stands still until it is moved. A wait for a business time is as long as if it ran. */
export function manualClock(start: Date): ManualClock {
  let nowMs = start.getTime();
  return {
    now: () => new Date(nowMs),
    wallMsUntil: (at) => Math.max(0, at.getTime() - nowMs),
    fromWall: (wall) => new Date(nowMs - Math.max(0, Date.now() - wall.getTime())),
    advance(ms) {
      nowMs += ms;
    },
  };
}

/** Waits for a condition; throws when it hasn't come true within the deadline. Returns what it gave. */
export async function until<T>(condition: () => T | Promise<T>, deadlineMs = 30_000): Promise<NonNullable<T>> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > end) throw new Error(`still not so after ${deadlineMs} ms: ${condition.toString().slice(0, 200)}`);
    await sleep(10);
  }
}
