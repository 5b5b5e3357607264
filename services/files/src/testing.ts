/** What specs of the files service share: a running one, a store to look into, and short ways to ask. */
import { objectKey, type Message, type ReplyOf, type RequestOf } from '@kgpu/contracts';
import { openObjectStore, type ObjectStore } from '@kgpu/object-store';
import type { RunningService } from '@kgpu/runtime';
import { manualClock, testContext, type ManualClock, type TestContext } from '@kgpu/runtime/testing';
import { start } from './start.ts';

export interface FilesUnderTest {
  context: TestContext;
  clock: ManualClock;
  store: ObjectStore;
  ask<M extends Message>(message: M, request: RequestOf<M>, deadlineMs?: number): Promise<ReplyOf<M>>;
  /** Puts text as a client of a signed URL would: the service is told nothing. */
  put(drive: string, path: string, text: string): Promise<string>;
  /** Paths of the drive's objects. */
  paths(drive: string): Promise<string[]>;
  restart(whileDown?: () => Promise<unknown>): Promise<void>;
  close(): Promise<void>;
}

let commands = 0;
/** An id that no other command of this process has. */
export function commandId(): string {
  return `spec-${process.pid}-${++commands}`;
}

/** The service over a nats-server and stores of its own. `config`: as in the environment. */
export async function startFiles(config: Record<string, string> = {}): Promise<FilesUnderTest> {
  const clock = manualClock(new Date('2026-05-17T12:00:00Z'));
  const context = await testContext({ clock, config: { KGPU_USER_QUOTA_BYTES: '1000', ...config } });
  const store = await openObjectStore(context.config, { baseUrl: 'http://localhost', secret: context.secret.toString('hex') });
  let service: RunningService = await start(context);
  return {
    context, clock, store,
    ask: (message, request, deadlineMs = 10_000) => context.bus.ask(message, request, { requestId: 'spec', deadlineMs }),
    async put(drive, path, text) {
      const bytes = Buffer.from(text);
      return (await store.put(objectKey(drive, path), (async function* body() { yield bytes; })(), bytes.length)).etag;
    },
    async paths(drive) {
      const prefix = objectKey(drive, '');
      return (await store.list({ prefix })).objects.map(({ key }) => key.slice(prefix.length));
    },
    async restart(whileDown = async () => undefined) {
      await service.close();
      await whileDown();
      service = await start(context);
    },
    async close() {
      await service.close();
      await store.close();
      await context.close();
    },
  };
}
