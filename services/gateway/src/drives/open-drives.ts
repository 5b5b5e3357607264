/** All that serves drives: the object store, what is known of it, and the routes. */
import type { ServiceContext } from '@kgpu/runtime';
import { DiskObjectStore, handleObjectRequest, openObjectStore } from '@kgpu/object-store';
import { awaitsContinue, leaveBodiesUnread } from '@kgpu/runtime';
import type { FastifyInstance } from 'fastify';
import { checkIf } from '../dav/conditions.ts';
import { davRoutes } from '../dav/dav-routes.ts';
import type { Door } from '../http/door.ts';
import type { LiveStreams } from '../http/live-streams.ts';
import type { Parts } from '../http/parts.ts';
import { ClientBase } from './client-base.ts';
import { DeleteGuard } from './delete-guard.ts';
import { DriveAccess } from './drive-access.ts';
import { DriveChanges } from './drive-changes.ts';
import { DriveFacts } from './drive-facts.ts';
import { DriveReader } from './drive-reader.ts';
import { driveRoutes } from './drive-routes.ts';
import { serveDrives } from './drive-scope.ts';
import { DriveView } from './drive-view.ts';
import { Downloads } from './downloads.ts';
import { measuredStore } from './measured-store.ts';
import { ObjectHeads } from './object-heads.ts';
import { Uploads } from './uploads.ts';

/** Shorter than what a part's readiness may take in all. */
const CHECK_MS = 1_500;

export interface OpenDrives {
  reader: DriveReader;
  facts: DriveFacts;
  clientBase: ClientBase;
  serve(fastify: FastifyInstance, door: Door): void;
  close(): Promise<void>;
}

export interface DriveContext extends ServiceContext {
  parts: Parts;
  streams: LiveStreams;
  /** Where clients reach this server, and where it listens. */
  base: () => string;
  listening: () => string;
}

export async function openDrives({ config, secret, store: facts, clock, log, metrics, health, parts, streams, base, listening }: DriveContext): Promise<OpenDrives> {
  const opened = await openObjectStore(config, { baseUrl: base, secret: secret.toString('hex') });
  const store = measuredStore(opened, metrics);
  const heads = new ObjectHeads(store);
  const driveFacts = await DriveFacts.open(facts, heads, clock);
  const reader = new DriveReader(store, heads);
  const clientBase = new ClientBase(base, listening, opened instanceof DiskObjectStore);
  const downloads = new Downloads(store, reader, clientBase);
  const uploads = new Uploads(parts, store, heads, log);
  const access = new DriveAccess(driveFacts.orgs);
  const dav = { parts, reader, access, clock, apiBase: config.KGPU_API_BASE };
  const changes = new DriveChanges(parts, reader, uploads, clientBase, (request) => checkIf(request, dav));
  const drives = { access, view: new DriveView(reader, downloads, streams), changes };
  const guard = new DeleteGuard();
  health.add('object_store', () => store.check({ deadlineMs: CHECK_MS }));
  health.add('drives', async () => driveFacts.check());
  return {
    reader, clientBase, facts: driveFacts,
    serve(fastify, door) {
      serveDrives(fastify, { door, guard, log }, [...driveRoutes(drives), ...davRoutes(dav)]);
      if (opened instanceof DiskObjectStore) serveObjects(fastify, opened);
    },
    async close() {
      await driveFacts.close();
      await store.close();
    },
  };
}

/** The signed URLs of files in the data folder. */
function serveObjects(fastify: FastifyInstance, store: DiskObjectStore): void {
  leaveBodiesUnread(fastify, (scope) => {
    scope.all('/objects/*', (request, reply) => {
      reply.hijack();
      void handleObjectRequest(store, request.raw, reply.raw, { awaitsContinue: awaitsContinue(request.raw) });
    });
  });
}
