import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  ChangeProperties, CompleteUpload, DeleteFiles, GetLocks, GetProperties, LockPath, MakeFolder, Problem, RefreshLock, ReserveUpload, TransferFiles, UnlockPath, type DavLock,
} from '@kgpu/contracts';
import { commandId, startFiles, type FilesUnderTest } from '../testing.ts';

let files: FilesUnderTest;
beforeAll(async () => {
  files = await startFiles({ KGPU_USER_QUOTA_BYTES: '100000' });
});
afterAll(() => files.close());

const drive = 'user-1';
const to = (path: string, lock_tokens: string[] = []) => ({ command_id: commandId(), drive, path, by: 1, lock_tokens });
const lock = async (path: string, more: { depth?: '0' | 'infinity'; scope?: 'exclusive' | 'shared'; timeout_seconds?: number; lock_tokens?: string[]; command_id?: string } = {}) =>
  files.ask(LockPath, { ...to(path), depth: '0', scope: 'exclusive', owner: '', timeout_seconds: 600, ...more });
const held = async (path: string): Promise<DavLock[]> => (await files.ask(GetLocks, { drive, path, depth: 0 })).locks;
const reserve = (path: string, tokens: string[] = []) => files.ask(ReserveUpload, { ...to(path, tokens), way: 'streamed', size: 1, content_type: null, expires_seconds: 60 });
const remove = (path: string, tokens: string[] = []) => files.ask(DeleteFiles, { ...to(path, tokens), scope: 'file' });
const transfer = (kind: 'copy' | 'move', path: string, target: string, tokens: string[] = []) => files.ask(TransferFiles, { ...to(path, tokens), to: target, kind, overwrite: true });
const codeOf = (asked: Promise<unknown>): Promise<string> => asked.then(() => 'done', (error: unknown) => (error instanceof Problem ? error.code : String(error)));
const property = { name: '{urn:x}colour', value: '<c xmlns="urn:x">blue</c>' };
const colour = async (path: string, value: string | null = 'blue') =>
  files.ask(ChangeProperties, { ...to(path), set: value === null ? [] : [{ ...property, value }], remove: value === null ? [property.name] : [] });
const coloured = async (path: string, depth: 0 | 1 = 0) => (await files.ask(GetProperties, { drive, path, depth })).found.map((each) => each.path);

describe('a locked path', () => {
  it('is changed by nobody without its token, in any way', async () => {
    await files.put(drive, 'locked/a', 'x');
    await files.put(drive, 'locked-other', 'x');
    const { lock: { token }, created } = await lock('locked/a');
    expect(created).toBe(false);
    const changes = (tokens: string[]) => [
      () => reserve('locked/a', tokens), () => files.ask(ChangeProperties, { ...to('locked/a', tokens), set: [property], remove: [] }),
      () => transfer('copy', 'locked-other', 'locked/a', tokens), () => transfer('move', 'locked', 'locked2', tokens), () => remove('locked2/a', tokens),
    ];
    for (const change of changes([]).slice(0, 4)) expect(await codeOf(change())).toBe('locked');
    expect(await codeOf(remove('locked'))).toBe('locked');
    expect(await codeOf(reserve('locked/a', ['opaquelocktoken:wrong']))).toBe('locked');
    for (const change of changes([token])) expect(await codeOf(change())).toBe('done');
  });

  it('may be in a folder whose own lock keeps names from coming and going', async () => {
    await files.put(drive, 'kept/a', 'x');
    const { lock: { token } } = await lock('kept', { depth: '0' });
    expect(await codeOf(reserve('kept/a'))).toBe('done');
    for (const change of [() => reserve('kept/new'), () => remove('kept/a'), () => files.ask(MakeFolder, to('kept/folder')), () => lock('kept/b')]) expect(await codeOf(change())).toBe('locked');
    expect(await codeOf(reserve('kept/new', [token]))).toBe('done');
    expect(await codeOf(files.ask(MakeFolder, to('kept/folder', [token])))).toBe('done');
    expect(await codeOf(lock('kept/b', { lock_tokens: [token] }))).toBe('done');
  });

  it('is free again when it is unlocked, by its owner, or its time is over', async () => {
    await files.put(drive, 'timed', 'x');
    const first = await lock('timed', { timeout_seconds: 60 });
    const refreshed = await files.ask(RefreshLock, { command_id: commandId(), drive, path: 'timed', by: 1, token: first.lock.token, timeout_seconds: 120 });
    files.clock.advance(119_000);
    expect(await held('timed')).toMatchObject([{ token: first.lock.token, expires_at: refreshed.lock.expires_at }]);
    expect(await codeOf(reserve('timed'))).toBe('locked');
    files.clock.advance(1_000);
    expect([await held('timed'), await codeOf(reserve('timed'))]).toEqual([[], 'done']);
    const second = await lock('timed');
    await files.ask(UnlockPath, { command_id: commandId(), drive, path: 'timed', by: 1, token: second.lock.token });
    expect([await held('timed'), await codeOf(reserve('timed'))]).toEqual([[], 'done']);
  });

  it('stays locked over a restart, and so do its properties', async () => {
    await files.put(drive, 'lasting', 'x');
    const { lock: { token } } = await lock('lasting', { timeout_seconds: 86_400 });
    await files.ask(ChangeProperties, { ...to('lasting', [token]), set: [property], remove: [] });
    await files.restart();
    expect([(await held('lasting'))[0]?.token, await codeOf(reserve('lasting')), await coloured('lasting')]).toEqual([token, 'locked', ['lasting']]);
    expect(await codeOf(reserve('lasting', [token]))).toBe('done');
  });

  it('takes its locks along when it is deleted or moved, also where nobody heard of it', async () => {
    for (const name of ['gone/a', 'gone/b', 'gone/c/d']) await files.put(drive, name, 'x');
    const tokens = [(await lock('gone/a')).lock.token, (await lock('gone/c/d')).lock.token];
    await remove('gone/a', tokens);
    await transfer('move', 'gone/c', 'gone/e', tokens);
    await files.restart();
    expect([await held('gone/a'), await held('gone/c/d'), await held('gone/e/d')]).toEqual([[], [], []]);
    await files.put(drive, 'gone/a', 'again');
    expect(await codeOf(lock('gone/a'))).toBe('done');
    expect(await codeOf(lock('gone/a'))).toBe('locked');
  });

  it('is not replaced by parts that began to come before', async () => {
    await files.put(drive, 'parts', 'x');
    const { upload: { upload_id } } = await files.ask(ReserveUpload, { ...to('parts'), way: 'parts', size: 1, content_type: null, expires_seconds: 3_600 });
    const { lock: { token } } = await lock('parts');
    const complete = () => codeOf(files.ask(CompleteUpload, { command_id: commandId(), upload_id, by: 1 }));
    expect(await complete()).toBe('locked');
    await files.ask(UnlockPath, { command_id: commandId(), drive, path: 'parts', by: 1, token });
    expect(await complete()).toBe('invalid_request');
  });

  it('where nothing was is an empty file from then on, once', async () => {
    await files.put(drive, 'fresh/a', 'x');
    const command_id = commandId();
    const [first, again] = [await lock('fresh/b', { command_id }), await lock('fresh/b', { command_id })];
    expect(first).toMatchObject({ created: true, lock: { depth: '0', path: 'fresh/b' } });
    expect(again.lock.token).toBe(first.lock.token);
    expect(await files.paths(drive)).toContain('fresh/b');
    expect(await codeOf(lock('nowhere/b'))).toBe('conflict');
  });
});

describe('properties', () => {
  it('go with the files that they lie on', async () => {
    for (const name of ['p/a', 'p/b', 'p/c/d']) await files.put(drive, name, 'x');
    for (const name of ['p', 'p/a', 'p/c/d']) await colour(name);
    await transfer('copy', 'p', 'q');
    await transfer('move', 'q/c', 'q/e');
    await remove('p/a');
    expect([await coloured('p', 1), await coloured('p/c', 1), await coloured('q', 1), await coloured('q/e', 1)]).toEqual([['p'], ['p/c/d'], ['q', 'q/a'], ['q/e/d']]);
    await files.restart();
    expect([await coloured('q', 1), await coloured('q/c', 1)]).toEqual([['q', 'q/a'], []]);
  });

  it('are taken away, and are for what is there only', async () => {
    await files.put(drive, 'r', 'x');
    await colour('r');
    await colour('r', null);
    expect(await coloured('r')).toEqual([]);
    expect(await codeOf(colour('nothing'))).toBe('file_not_found');
  });

  it('are kept up to a size', async () => {
    await files.put(drive, 's', 'x');
    const large = (n: number) => files.ask(ChangeProperties, { ...to('s'), set: [{ name: `{urn:x}p${n}`, value: 'v'.repeat(60_000) }], remove: [] });
    for (let n = 0; n < 4; n++) expect(await codeOf(large(n))).toBe('done');
    expect(await codeOf(large(4))).toBe('quota_exceeded');
    expect((await files.ask(GetProperties, { drive, path: 's', depth: 0 })).found[0]!.properties).toHaveLength(4);
  });

  it('are of their owner\'s drive only', async () => {
    const change = { command_id: commandId(), drive, path: 'r', by: 2, set: [property], remove: [] };
    expect(await codeOf(files.ask(ChangeProperties, change))).toBe('forbidden');
    expect(await codeOf(files.ask(LockPath, { command_id: commandId(), drive, path: 'r', by: 2, depth: '0', scope: 'shared', owner: '', timeout_seconds: 60 }))).toBe('forbidden');
  });
});
