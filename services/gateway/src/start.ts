import { startHttp, type HttpServer, type RunningService, type ServiceContext } from '@kgpu/runtime';
import type { FastifyInstance } from 'fastify';
import { openDrives } from './drives/open-drives.ts';
import { GatewayModule } from './gateway.module.ts';
import { ClusterSummary } from './gpus/cluster-summary.ts';
import { RentalHistory } from './gpus/rental-history.ts';
import { Bell } from './http/bell.ts';
import { Door } from './http/door.ts';
import { LiveStreams } from './http/live-streams.ts';
import { Parts } from './http/parts.ts';
import { RateLimit } from './http/rate-limit.ts';
import { startIdentity } from './identity/start-identity.ts';
import { ForgetRequests } from './requests/forget-requests.policy.ts';
import { Once } from './requests/once.ts';
import { RunEvents } from './runs/run-events.ts';
import { RunLog } from './runs/run-log.ts';
import { RunNews } from './runs/run-news.ts';
import { Documents } from './service/documents.ts';
import { Monitor } from './service/monitor.ts';

export interface RunningGateway extends RunningService, Pick<HttpServer, 'openSideDoor'> {
  /** Where it listens. */
  url: string;
  /** The token of an admin, as it is in the data folder. */
  adminToken: string;
}

/** What answers to rentals on a network of their own: what a token or a signature is asked for, and the contract. */
const forRentals = (pattern: string) => /^\/(v1|objects)\/|^\/(AGENTS\.md|openapi\.json|livez)$/.test(pattern);

/** Starts the front door; resolves when it answers. */
export async function start(context: ServiceContext): Promise<RunningGateway> {
  const { config, clock, store, expiring, bus, health } = context;
  const log = context.log.child({ service: 'gateway' });
  const parts = new Parts(bus);
  const summary = new ClusterSummary(parts);
  const rentalNews = new Bell();
  const { authenticator, people, identity, ...running } = await startIdentity(context, (event) => {
    summary.apply(event);
    if ('gpu_id' in event.data) rentalNews.ring(event.data.gpu_id);
  });
  health.add('identity', async () => {
    if (running.projection.halted !== null) throw running.projection.halted;
  });
  const door = new Door(authenticator, new RateLimit(config.KGPU_RATE_LIMIT_PER_MINUTE), new Once(expiring, clock, log), clock);
  let listening = `http://${config.KGPU_HOST}:${config.KGPU_PORT}`;
  const base = () => config.KGPU_API_BASE ?? listening;
  const documents = new Documents(base, config);
  const monitor = new Monitor(context);
  const streams = new LiveStreams();
  const drives = await openDrives({ ...context, log, parts, streams, base, listening: () => listening });
  const history = new RentalHistory(store, rentalNews);
  const runNews = new RunNews(store, expiring);
  const module = GatewayModule.with(
    door, parts, streams, summary, history, new RunLog(store, expiring, runNews), new RunEvents(store, expiring, runNews), people, identity, documents, monitor, drives.reader, drives.facts, drives.clientAddress,
  );
  const prepare = (fastify: FastifyInstance): void => {
    monitor.observe(fastify);
    drives.serve(fastify, door);
  };
  const http = await startHttp({ module, host: config.KGPU_HOST, port: config.KGPU_PORT, log, prepare, sideDoorRoutes: forRentals });
  listening = http.url;
  const forget = new ForgetRequests(expiring, log);
  return {
    url: http.url,
    adminToken: running.adminToken,
    openSideDoor: (network) => http.openSideDoor(network),
    async close() {
      streams.close();
      await http.close();
      await runNews.close();
      await drives.close();
      await forget.close();
      await running.close();
    },
  };
}
