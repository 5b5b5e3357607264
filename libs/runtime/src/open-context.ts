/** Opens what every service is given: folder, stores, clock, bus. */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import type { Config } from '@kgpu/contracts';
import { openEventStore, type EventStore } from '@kgpu/event-store';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Logger } from 'pino';
import { openClock } from './business-clock.ts';
import { oneAtATime } from './folder-lock.ts';
import { createHealth } from './health.ts';
import { connectBus, type NatsBus } from './nats-bus.ts';
import { readFileIfThere, writePrivateFile } from './private-file.ts';
import type { Clock, ServiceContext } from './service.ts';

/** It names a stream. */
const MAX_REPLICA_LENGTH = 150;

export interface OpenContext extends ServiceContext {
  /** Aborts `stopping`: to be called before services are closed. */
  beginStop(): void;
  /** Closes bus and stores; services must have been closed before. */
  close(): Promise<void>;
}

export interface ContextOptions {
  natsUrl: string;
  log: Logger;
  /** Names the connection on the bus. */
  name?: string;
  /** Which of the processes of its service on this folder it is; default 1. */
  replica?: number;
  /** In tests: a clock of one's own. */
  clock?: Clock;
}

/**
 * Opens all of it, or nothing: what was opened before something failed is closed again.
 * @throws BusUnreachable when no NATS server answers.
 */
export async function openContext(config: Config, { natsUrl, log, name, replica = 1, clock }: ContextOptions): Promise<OpenContext> {
  const folder = openDataFolder(config);
  const metrics = openMetrics();
  const closing: (() => Promise<void> | void)[] = [];
  const stopping = new AbortController();
  const close = async () => {
    for (const end of closing.splice(0).reverse()) await end();
  };
  try {
    const bus = await connectBus({ url: natsUrl, log, metrics, ...(name === undefined ? {} : { name }) });
    closing.push(() => bus.close());
    const store = await openEventStore(config.KGPU_EVENT_STORE ?? `sqlite:${join(folder, 'events.db')}`);
    closing.push(() => store.close());
    const expiring = await openEventStore(expiringUrl(config, folder));
    closing.push(() => expiring.close());
    closing.push(shareHints(bus, 'facts', store), shareHints(bus, 'expiring', expiring));
    await bus.connection.flush();
    const lastAt = await lastBusinessTime(store);
    const [install, running] = oneAtATime(folder, () => [openInstall(folder), clock ?? openClock(join(folder, 'clock.json'), config.KGPU_CLOCK_SPEED, lastAt)] as const);
    new Gauge({ name: 'kgpu_event_store_position', help: 'Position of the last recorded fact', registers: [metrics], async collect() { this.set(await store.head()); } });
    const health = createHealth();
    health.add('bus', async () => void (await bus.ping()));
    health.add('event_store', async () => void (await store.head()));
    return {
      config, store, expiring, bus, log, metrics, health, close,
      stopping: stopping.signal,
      beginStop: () => stopping.abort(),
      clock: running,
      secret: config.KGPU_SESSION_SECRET === undefined ? Buffer.from(install.secret, 'hex') : Buffer.from(config.KGPU_SESSION_SECRET),
      installId: install.install_id,
      rentalApiBase: async () => config.KGPU_API_BASE ?? `http://${config.KGPU_HOST}:${config.KGPU_PORT}`,
      replica: `${hostname()}-${install.install_id}-${replica}`.slice(-MAX_REPLICA_LENGTH),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function openMetrics(): Registry {
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });
  return metrics;
}

/** The data folder, made when missing; only its owner may look into it. Absolute. */
export function openDataFolder(config: Config): string {
  const folder = resolve(config.KGPU_DATA_DIR);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  return folder;
}

function expiringUrl(config: Config, folder: string): string {
  const facts = config.KGPU_EVENT_STORE;
  if (facts === undefined) return `sqlite:${join(folder, 'expiring.db')}`;
  return facts === 'memory:' ? facts : `${facts}-expiring`;
}

interface Install {
  install_id: string;
  secret: string;
}

/** Made at the first start. The secret is there even when the settings give one: they may stop to. */
function openInstall(folder: string): Install {
  const file = join(folder, 'install.json');
  const text = readFileIfThere(file);
  if (text !== null) return JSON.parse(text) as Install;
  const install = { install_id: randomBytes(6).toString('hex'), secret: randomBytes(32).toString('hex') };
  writePrivateFile(file, JSON.stringify(install));
  return install;
}

/** Tells the other processes that the log has grown, and listens for it. A lost hint costs a second: subscriptions poll, too. */
function shareHints(bus: NatsBus, name: string, store: EventStore): () => void {
  const subject = `kgpu.hint.${name}`;
  // A store need not hear its own hints: its subscriptions were woken by the append.
  const origin = randomBytes(6).toString('hex');
  let told = false;
  const stop = store.onAppend(() => {
    if (told || bus.connection.isClosed()) return;
    told = true;
    setImmediate(() => {
      told = false;
      if (!bus.connection.isClosed()) bus.connection.publish(subject, origin);
    });
  });
  const subscription = bus.connection.subscribe(subject, { callback: (error, message) => {
    if (error === null && message.string() !== origin) store.wake();
  } });
  return () => {
    stop();
    if (!bus.connection.isClosed()) subscription.unsubscribe();
  };
}

/** Business time of the last fact on record, 0 when there is none: the clock must not go back behind it. */
async function lastBusinessTime(store: EventStore): Promise<number> {
  const [last] = await store.readAll({ after: Math.max(0, (await store.head()) - 1), limit: 1 });
  return last !== undefined && 'at' in last.data ? Date.parse(String(last.data.at)) || 0 : 0;
}
