/** All services in one process, with a nats-server of its own unless it is given one. */
import { join } from 'node:path';
import type { Compute } from '@kgpu/compute';
import type { Config } from '@kgpu/contracts';
import { start as startFiles } from '@kgpu/files';
import { start as startGateway } from '@kgpu/gateway';
import { start as startLedger } from '@kgpu/ledger';
import { start as startRental } from '@kgpu/rental';
import { start as startRunner } from '@kgpu/runner';
import { createLog, lockFolder, openContext, openDataFolder, settledWithin, startNatsServer, withoutCredentials, type Clock, type ServiceContext } from '@kgpu/runtime';
import type { Part, Started } from './banner.ts';
import { apiForRentals } from './api-for-rentals.ts';

export interface Standalone extends Started {
  context: ServiceContext;
  /** Stops the services, then what they stand on. Rentals stay. A repeat does nothing. */
  close(): Promise<void>;
}

export interface StandaloneOptions {
  /** Default: JSON lines on standard error. */
  log?: ServiceContext['log'];
  /** Told what takes long, in plain words (nats-server being fetched). */
  say?: (line: string) => void;
  /** In tests: a clock of one's own. */
  clock?: Clock;
}

/** Less than the 5 s after which a process is ended by force. */
const CLOSE_DEADLINE_MS = 4_000;
/** What every part gets at least. */
const CLOSE_SHARE_MS = 200;

interface Closable {
  close(): Promise<void> | void;
}

/**
 * Resolves when all of it answers. Throws `FolderInUse` when another one runs on the same data folder, `NatsServerMissing`
 * when there is no nats-server to be had, `ConfigError` when the port is taken; what was started by then is stopped.
 */
export async function startStandalone(config: Config, { log = createLog(config.KGPU_LOG_LEVEL), say, clock }: StandaloneOptions = {}): Promise<Standalone> {
  const running: Closable[] = [];
  const keep = <T extends Closable>(part: T): T => {
    running.push(part);
    return part;
  };
  let closing: Promise<void> | null = null;
  const close = () => (closing ??= closeInReverse(running));
  // Rentals that were cut short by a crash start at once; they wait for the address of the API.
  const rentalBase = Promise.withResolvers<string>();
  rentalBase.promise.catch(() => {});
  try {
    const folder = openDataFolder(config);
    keep({ close: lockFolder(folder, 'standalone').release });
    const ownBus = { folder: join(folder, 'nats'), ...(say === undefined ? {} : { say }) };
    const bus = config.KGPU_NATS_URL === undefined ? keep(await startNatsServer(ownBus)) : { url: config.KGPU_NATS_URL };
    const context = keep(await openContext(config, { natsUrl: bus.url, log, name: 'standalone', ...(clock === undefined ? {} : { clock }) }));
    context.rentalApiBase = () => rentalBase.promise;
    keep(await startLedger(context));
    keep(await startRunner(context));
    const { compute } = keep(await startRental(context));
    keep(await startFiles(context));
    const gateway = keep(await startGateway(context));
    const url = config.KGPU_API_BASE ?? gateway.url;
    const findBase = async () => config.KGPU_API_BASE ?? (await apiForRentals(config.KGPU_HOST, gateway, compute));
    const base = await findBase();
    context.rentalApiBase = async () => (await findBase()) ?? url;
    rentalBase.resolve(base ?? url);
    const parts = [eventStorePart(config), filesPart(config), computePart(compute, url, base), busPart(bus)];
    keep({ close: () => context.beginStop() });
    return { url, adminToken: gateway.adminToken, parts, context, close };
  } catch (error) {
    rentalBase.reject(error);
    await close();
    throw error;
  }
}

/**
 * Who uses something closes before it. One that can't close, or waits for others (a run that takes its time to die), doesn't keep
 * the rest: whatever is left undone, the next start does.
 */
async function closeInReverse(running: Closable[]): Promise<void> {
  const errors: unknown[] = [];
  const end = performance.now() + CLOSE_DEADLINE_MS;
  for (const part of running.toReversed()) {
    const closed = Promise.try(() => part.close()).catch((error: unknown) => void errors.push(error));
    await settledWithin(Math.max(CLOSE_SHARE_MS, end - performance.now() - CLOSE_SHARE_MS * running.length), closed);
  }
  if (errors.length > 0) throw new AggregateError(errors, 'some parts could not close');
}

function eventStorePart({ KGPU_EVENT_STORE, KGPU_DATA_DIR }: Config): Part {
  return { name: 'event store', choice: KGPU_EVENT_STORE === undefined ? `SQLite, ${join(KGPU_DATA_DIR, 'events.db')}` : withoutCredentials(KGPU_EVENT_STORE) };
}

function filesPart({ KGPU_S3_ENDPOINT, KGPU_S3_BUCKET, KGPU_DATA_DIR }: Config): Part {
  return { name: 'files', choice: KGPU_S3_ENDPOINT === undefined ? `a folder, ${join(KGPU_DATA_DIR, 'objects')}` : `S3, bucket ${KGPU_S3_BUCKET} at ${withoutCredentials(KGPU_S3_ENDPOINT)}` };
}

function computePart({ driver, notices }: Compute, url: string, base: string | null): Part {
  const way = base === null
    ? ['Rentals have no way to this API: set KGPU_HOST and KGPU_API_BASE to an address that they reach.']
    : base === url ? [] : [`Rentals reach this API at ${base}.`];
  return { name: 'compute', choice: driver, notices: [...notices, ...way] };
}

function busPart(bus: { url: string; pid?: number }): Part {
  return { name: 'bus', choice: bus.pid === undefined ? withoutCredentials(bus.url) : `nats-server of its own, ${withoutCredentials(bus.url)}` };
}
