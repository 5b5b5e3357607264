import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ConfirmUpload, DeleteFiles, GetQuota, objectKey, Problem, ReleaseUpload, ReserveUpload, TransferFiles, type DriveEvent, type Message, type ReplyOf, type RequestOf } from '@kgpu/contracts';
import { openObjectStore, type ObjectStore } from '@kgpu/object-store';
import { bodyOf } from '@kgpu/object-store/testing';
import { testContext, until, type TestContext } from '@kgpu/runtime/testing';
import { eachOf } from './operation/each-of.ts';
import { commandId } from './testing.ts';

const drive = 'user-7';
const QUOTA = 1_000_000;
let context: TestContext;
let store: ObjectStore;
let service: ChildProcess;

beforeEach(async () => {
  context = await testContext({ config: { KGPU_USER_QUOTA_BYTES: String(QUOTA) } });
  store = await openObjectStore(context.config, { baseUrl: 'http://localhost', secret: context.secret.toString('hex') });
  spawnService();
});

afterEach(async () => {
  await kill();
  await store.close();
  await context.close();
});

/** The service as a process of its own, as it is run on a server. */
function spawnService(): void {
  const settings = { KGPU_DATA_DIR: context.config.KGPU_DATA_DIR, KGPU_NATS_URL: context.natsUrl, KGPU_USER_QUOTA_BYTES: String(QUOTA), KGPU_LOG_LEVEL: 'error' };
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('KGPU_'));
  service = spawn(process.execPath, [join(import.meta.dirname, 'main.js')], { env: { ...Object.fromEntries(inherited), ...settings }, stdio: 'inherit' });
}

async function kill(): Promise<void> {
  if (service.exitCode !== null || service.signalCode !== null) return;
  const ended = once(service, 'exit');
  service.kill('SIGKILL');
  await ended;
}

/** Kills the service at the next fact of this type that comes after `begin`. */
async function killAt(type: DriveEvent['type'], begin: () => unknown): Promise<void> {
  const { promise: seen, resolve } = Promise.withResolvers<void>();
  const following = context.store.subscribe({ after: await context.store.head(), types: [type] }, () => {
    service.kill('SIGKILL');
    resolve();
  });
  begin();
  await seen;
  await kill();
  await following.stop();
}

/** Sends a command that nobody will hear the answer of. */
function send<M extends Message>(message: M, request: RequestOf<M>): void {
  context.bus.ask(message, request, { requestId: 'spec' }).catch(() => undefined);
}

/** Asks again and again, as long as the service is down or slow: with the same command id. */
async function ask<M extends Message>(message: M, request: RequestOf<M>): Promise<ReplyOf<M>> {
  return until(async () => {
    try {
      return await context.bus.ask(message, request, { requestId: 'spec', deadlineMs: 2_000 });
    } catch (error) {
      if (error instanceof Problem && (error.code === 'service_unavailable' || error.code === 'service_timeout')) return undefined;
      throw error;
    }
  }, 60_000);
}

const base = () => ({ command_id: commandId(), drive, by: 7 });
const put = (path: string, text: string) => store.put(objectKey(drive, path), bodyOf(text), Buffer.byteLength(text));
const reserve = (path: string, size: number, command_id = commandId(), guards_delete = false) =>
  ({ ...base(), command_id, path, way: 'streamed', size, content_type: null, expires_seconds: 3_600, guards_delete }) satisfies RequestOf<typeof ReserveUpload>;

/** Objects of the drive; their etag is the MD5 of what they hold. */
async function objects(): Promise<Map<string, { size: number; etag: string }>> {
  const found = new Map<string, { size: number; etag: string }>();
  for (let cursor: string | null = null, first = true; first || cursor !== null; first = false) {
    const page: Awaited<ReturnType<ObjectStore['list']>> = await store.list({ prefix: objectKey(drive, ''), ...(cursor !== null && { cursor }) });
    for (const { key, size, etag } of page.objects) found.set(key.slice(objectKey(drive, '').length), { size, etag });
    cursor = page.next_cursor;
  }
  return found;
}

async function fill(folder: string, files: number): ReturnType<typeof objects> {
  await eachOf(Array.from({ length: files }, (_, index) => index), 16, async (index) => void (await put(`${folder}/${index}`, `content of ${index}`)));
  return objects();
}

/** After a crash a drive is compared with the bucket by itself. */
async function usedEqualsBucket(): Promise<void> {
  const bytes = [...(await objects()).values()].reduce((sum, { size }) => sum + size, 0);
  await until(async () => (await ask(GetQuota, { drive })).used_bytes === bytes, 30_000);
}

describe('the files service killed with kill -9', () => {
  it('keeps every reservation that it acknowledged, holds no room twice, and never more than there is', async () => {
    const asked = Array.from({ length: 400 }, (_, index) => reserve(`f${index}`, 5_000));
    const acknowledged = new Map<string, string>();
    await ask(GetQuota, { drive });
    const first = asked.map(async (request) => {
      const { upload } = await context.bus.ask(ReserveUpload, request, { requestId: 'spec', deadlineMs: 5_000 });
      acknowledged.set(request.command_id, upload.upload_id);
      if (acknowledged.size === 40) service.kill('SIGKILL');
    });
    await once(service, 'exit');
    spawnService();
    await Promise.allSettled(first);
    const outcomes = await Promise.allSettled(asked.map((request) => ask(ReserveUpload, request)));
    for (const [index, outcome] of outcomes.entries()) {
      const known = acknowledged.get(asked[index]!.command_id);
      if (outcome.status === 'rejected') expect([known, outcome.reason]).toMatchObject([undefined, { code: 'quota_exceeded' }]);
      else if (known !== undefined) expect(outcome.value.upload.upload_id).toBe(known);
    }
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(QUOTA / 5_000);
    expect(await ask(GetQuota, { drive })).toMatchObject({ used_bytes: 0, reserved_bytes: QUOTA });
  }, 120_000);

  it('remembers that an upload failed, and deletes nothing by the deletion that follows', async () => {
    await put('a', 'old');
    const { upload } = await ask(ReserveUpload, reserve('a', 10, commandId(), true));
    await ask(ReleaseUpload, { command_id: commandId(), drive, upload_id: upload.upload_id, reason: 'cut' });
    await kill();
    spawnService();
    const deletion = () => ({ ...base(), path: 'a', scope: 'file' as const, may_be_guarded: true });
    expect(await ask(DeleteFiles, deletion())).toMatchObject({ guarded: true, deleted: 0 });
    expect([...(await objects()).keys()]).toEqual(['a']);
    expect(await ask(DeleteFiles, deletion())).toMatchObject({ guarded: false, deleted: 1 });
  }, 60_000);

  it('finishes a deletion at its next start, whoever asked has gone', async () => {
    await put('d', 'a file of that name stays');
    await put('d2/a', 'stays');
    await fill('d', 1_100);
    const deletion = { ...base(), path: 'd', scope: 'folder' as const };
    await ask(GetQuota, { drive });
    await killAt('DeletionRequested', () => send(DeleteFiles, deletion));
    await killAt('FilesDeleted', spawnService);
    spawnService();
    await until(async () => (await objects()).size === 2, 60_000);
    await ask(DeleteFiles, deletion);
    expect([...(await objects()).keys()]).toEqual(['d', 'd2/a']);
    await usedEqualsBucket();
  }, 120_000);

  it('finishes a move at its next start, killed at each of its steps, and loses no file', async () => {
    const before = await fill('d', 1_100);
    await put('e/old', 'goes');
    await ask(GetQuota, { drive });
    const transfer = { ...base(), path: 'd', to: 'e', kind: 'move' as const, overwrite: true };
    await killAt('TransferRequested', () => send(TransferFiles, transfer));
    for (const type of ['TransferTargetCleared', 'FilesCopied', 'TransferCopied', 'FilesDeleted'] as const) await killAt(type, spawnService);
    spawnService();
    expect(await ask(TransferFiles, transfer)).toMatchObject({ created: false });
    expect(await objects()).toEqual(new Map([...before].map(([path, file]) => [path.replace(/^d/, 'e'), file])));
    await usedEqualsBucket();
  }, 120_000);

  it('answers a confirmation that it had recorded as the first time', async () => {
    const { upload } = await ask(ReserveUpload, reserve('a', 3));
    const { etag } = await put('a', 'abc');
    const confirmation = { command_id: commandId(), drive, upload_id: upload.upload_id, size: 3, etag };
    await killAt('UploadConfirmed', () => send(ConfirmUpload, confirmation));
    spawnService();
    const first = await ask(ConfirmUpload, confirmation);
    expect(first).toMatchObject({ size: 3, etag });
    expect(await ask(ConfirmUpload, confirmation)).toEqual(first);
    expect(await ask(GetQuota, { drive })).toMatchObject({ used_bytes: 3, reserved_bytes: 0 });
  }, 60_000);
});
