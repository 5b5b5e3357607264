/** What specs of the files service share: a running one, a store to look into, and short ways to ask. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { objectKey, type Message, type ReplyOf, type RequestOf } from '@kgpu/contracts';
import { DiskObjectStore, handleObjectRequest, openObjectStore, type ObjectStore } from '@kgpu/object-store';
import { bodyOf, type Seaweed } from '@kgpu/object-store/testing';
import { manualClock, testContext, type ManualClock, type TestContext } from '@kgpu/runtime/testing';
import { start, type RunningFiles } from './start.ts';

export interface FilesUnderTest {
  context: TestContext;
  clock: ManualClock;
  store: ObjectStore;
  service: RunningFiles;
  ask<M extends Message>(message: M, request: RequestOf<M>, deadlineMs?: number): Promise<ReplyOf<M>>;
  /** Puts text as a client of a signed URL would: the service is told nothing. Its etag. */
  put(drive: string, path: string, text: string): Promise<string>;
  /** Paths of the drive's objects. */
  paths(drive: string): Promise<string[]>;
  /** Bytes of the drive's objects, as the bucket has them. */
  bytes(drive: string): Promise<number>;
  /** Types of the drive's facts, in order. */
  facts(drive: string): Promise<string[]>;
  restart(whileDown?: () => Promise<unknown>): Promise<void>;
  close(): Promise<void>;
}

let commands = 0;
/** An id that no other command of this process has. */
export function commandId(): string {
  return `spec-${process.pid}-${++commands}`;
}

/** Settings that lead to a SeaweedFS. */
export function seaweedConfig({ endpoint, bucket, accessKeyId, secretAccessKey, region }: Seaweed['options']): Record<string, string> {
  return { KGPU_S3_ENDPOINT: endpoint, KGPU_S3_BUCKET: bucket, KGPU_S3_ACCESS_KEY_ID: accessKeyId, KGPU_S3_SECRET_ACCESS_KEY: secretAccessKey, KGPU_S3_REGION: region ?? 'auto' };
}

/** The service over a nats-server and stores of its own. `config`: as in the environment. */
export async function startFiles(config: Record<string, string> = {}): Promise<FilesUnderTest> {
  const clock = manualClock(new Date());
  const context = await testContext({ clock, config: { KGPU_USER_QUOTA_BYTES: '1000', ...config } });
  const store = await openObjectStore(context.config, { baseUrl: () => context.config.KGPU_API_BASE!, secret: context.secret.toString('hex') });
  const server = store instanceof DiskObjectStore ? await serve(store, context) : null;
  const objects = async (drive: string) => {
    const all = [];
    for (let cursor: string | null = null, first = true; first || cursor !== null; first = false) {
      const page: Awaited<ReturnType<ObjectStore['list']>> = await store.list({ prefix: objectKey(drive, ''), ...(cursor !== null && { cursor }) });
      all.push(...page.objects);
      cursor = page.next_cursor;
    }
    return all;
  };
  const files: FilesUnderTest = {
    context, clock, store,
    service: await start(context),
    ask: (message, request, deadlineMs = 10_000) => context.bus.ask(message, request, { requestId: 'spec', deadlineMs }),
    put: async (drive, path, text) => (await store.put(objectKey(drive, path), bodyOf(text), Buffer.byteLength(text))).etag,
    paths: async (drive) => (await objects(drive)).map(({ key }) => key.slice(objectKey(drive, '').length)).sort(),
    bytes: async (drive) => (await objects(drive)).reduce((sum, { size }) => sum + size, 0),
    facts: async (drive) => (await context.store.read(`drive-${drive}`)).map(({ type }) => type),
    async restart(whileDown = async () => undefined) {
      await files.service.close();
      await whileDown();
      files.service = await start(context);
    },
    async close() {
      await files.service.close();
      server?.closeAllConnections();
      server?.close();
      await store.close();
      await context.close();
    },
  };
  return files;
}

/** Serves the signed URLs of the folder, as the gateway does. */
async function serve(store: DiskObjectStore, { config }: TestContext): Promise<Server> {
  const server = createServer((req, res) => void handleObjectRequest(store, req, res));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  config.KGPU_API_BASE = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return server;
}
