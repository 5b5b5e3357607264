import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  ConfirmUpload, CreateOrg, DeleteFiles, GetQuota, ListMembers, ListOrgs, RegisterFile, ReleaseUpload, RemoveMember, ReserveUpload, SetMember, type RequestOf,
} from '@kgpu/contracts';
import { commandId, startFiles, type FilesUnderTest } from './testing.ts';

const drive = 'user-7';
let files: FilesUnderTest;
beforeEach(async () => void (files = await startFiles()));
afterEach(() => files.close());

const base = () => ({ command_id: commandId(), drive, by: 7 });
const reserve = (path: string, size: number | null, more: Partial<RequestOf<typeof ReserveUpload>> = {}) =>
  files.ask(ReserveUpload, { ...base(), path, way: 'streamed', size, content_type: null, expires_seconds: 60, ...more });
const confirm = (upload_id: string, size: number | null, etag: string | null) => files.ask(ConfirmUpload, { command_id: commandId(), drive, upload_id, size, etag });
const release = (upload_id: string) => files.ask(ReleaseUpload, { command_id: commandId(), drive, upload_id, reason: 'cut' });
const quota = () => files.ask(GetQuota, { drive });
const remove = (path: string) => files.ask(DeleteFiles, { ...base(), path, scope: 'file', may_be_guarded: true });
/** As the gateway uploads. */
async function upload(path: string, text: string): Promise<void> {
  const { upload: { upload_id } } = await reserve(path, text.length);
  await confirm(upload_id, text.length, await files.put(drive, path, text));
}

describe('uploads', () => {
  it('hold their room until they are confirmed or released', async () => {
    const { upload: { upload_id, replaces } } = await reserve('a', 400);
    expect(replaces).toBe(false);
    expect(await quota()).toEqual({ used_bytes: 0, quota_bytes: 1_000, reserved_bytes: 400 });
    await confirm(upload_id, 400, 'etag');
    expect(await quota()).toEqual({ used_bytes: 400, quota_bytes: 1_000, reserved_bytes: 0 });
    const other = await reserve('b', 600);
    await expect(reserve('c', 1)).rejects.toMatchObject({ code: 'quota_exceeded', fields: { used_bytes: 400, quota_bytes: 1_000, requested_bytes: 1 } });
    await release(other.upload.upload_id);
    expect(await quota()).toMatchObject({ used_bytes: 400, reserved_bytes: 0 });
  });

  it('never pass the quota, though 1,000 come at once', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 1_000 }, (_, index) => files.ask(ReserveUpload, {
      ...base(), path: `f${index}`, way: 'presigned', size: 10, content_type: null, expires_seconds: 60,
    }, 60_000)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(100);
    for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'quota_exceeded' });
    expect(await quota()).toEqual({ used_bytes: 0, quota_bytes: 1_000, reserved_bytes: 1_000 });
  }, 60_000);

  it('over a file need room for what they are larger by', async () => {
    await upload('a', 'x'.repeat(900));
    const { upload: { upload_id } } = await reserve('a', 1_000);
    expect(await quota()).toMatchObject({ used_bytes: 900, reserved_bytes: 100 });
    await confirm(upload_id, 1_000, await files.put(drive, 'a', 'y'.repeat(1_000)));
    expect(await quota()).toMatchObject({ used_bytes: 1_000, reserved_bytes: 0 });
  });

  it('that a client makes by itself are counted when somebody asks for the quota', async () => {
    await upload('a', 'old');
    await reserve('a', 3, { way: 'presigned' });
    expect(await quota()).toMatchObject({ used_bytes: 3, reserved_bytes: 0 });
    const open = await reserve('b', 4, { way: 'presigned' });
    expect(await quota()).toMatchObject({ used_bytes: 3, reserved_bytes: 4 });
    await files.put(drive, 'b', 'newb');
    expect(await quota()).toMatchObject({ used_bytes: 7, reserved_bytes: 0 });
    expect(await confirm(open.upload.upload_id, null, null)).toMatchObject({ size: 4 });
  });

  it('are registered where they are there, and only there', async () => {
    await reserve('a', 3, { way: 'presigned' });
    const register = () => files.ask(RegisterFile, { ...base(), path: 'a' });
    await expect(register()).rejects.toMatchObject({ code: 'file_not_found' });
    const etag = await files.put(drive, 'a', 'abc');
    expect(await register()).toMatchObject({ size: 3, etag });
    expect(await quota()).toMatchObject({ used_bytes: 3, reserved_bytes: 0 });
  });
});

describe('a client that deletes what it failed to replace', () => {
  it('deletes nothing by its first deletion within 5 s, and the file by its next', async () => {
    await upload('a', 'old');
    const { upload: { upload_id } } = await reserve('a', 500, { guards_delete: true });
    await release(upload_id);
    await files.restart();
    expect(await remove('a')).toMatchObject({ deleted: 0, guarded: true });
    expect(await files.paths(drive)).toEqual(['a']);
    expect(await remove('a')).toMatchObject({ deleted: 1, guarded: false });
    expect(await files.paths(drive)).toEqual([]);
  });

  it('is guarded against after a refusal, and while an upload is still open because the gateway was killed', async () => {
    await upload('a', 'old');
    await expect(reserve('a', 5_000, { guards_delete: true })).rejects.toMatchObject({ code: 'quota_exceeded' });
    expect(await remove('a')).toMatchObject({ guarded: true });
    await reserve('a', 50, { guards_delete: true });
    files.clock.advance(20_000);
    expect(await remove('a')).toMatchObject({ guarded: true });
    expect(await remove('a')).toMatchObject({ guarded: false, deleted: 1 });
  });

  it('means it after 5 s', async () => {
    await upload('a', 'old');
    await release((await reserve('a', 50, { guards_delete: true })).upload.upload_id);
    files.clock.advance(5_001);
    expect(await remove('a')).toMatchObject({ guarded: false, deleted: 1 });
  });
});

describe('orgs', () => {
  const create = (slug: string) => files.ask(CreateOrg, { command_id: commandId(), slug, name: 'Vital Lab', owner_user_id: 7 });
  const set = (user_id: number, role: 'admin' | 'uploader' | 'member', by: number | null) => files.ask(SetMember, { command_id: commandId(), slug: 'lab', user_id, role, by });
  const removeMember = (user_id: number, by: number | null) => files.ask(RemoveMember, { command_id: commandId(), slug: 'lab', user_id, by });
  const reserveFor = (by: number) => files.ask(ReserveUpload, { command_id: commandId(), drive: 'org-lab', by, path: 'a', way: 'presigned', size: null, content_type: null, expires_seconds: 60 });

  it('have one slug each, and their own admins', async () => {
    const { position } = await create('lab');
    await expect(create('lab')).rejects.toMatchObject({ code: 'org_exists' });
    await set(8, 'uploader', 7);
    await set(9, 'member', null);
    await expect(set(10, 'member', 8)).rejects.toMatchObject({ code: 'role_required', fields: { required_role: 'admin' } });
    await expect(set(10, 'member', 99)).rejects.toMatchObject({ code: 'org_not_found' });
    await expect(removeMember(7, null)).rejects.toMatchObject({ code: 'last_admin' });
    await expect(set(7, 'member', 7)).rejects.toMatchObject({ code: 'last_admin' });
    await expect(removeMember(11, 7)).rejects.toMatchObject({ code: 'member_not_found' });
    await removeMember(9, 7);
    expect((await files.ask(ListMembers, { slug: 'lab', by: 7 })).members).toMatchObject([{ user_id: 7, role: 'admin' }, { user_id: 8, role: 'uploader' }]);
    const { orgs } = await files.context.bus.ask(ListOrgs, {}, { requestId: 'spec', minPosition: position });
    expect(orgs).toMatchObject([{ slug: 'lab', owner_user_id: 7, members: 2 }]);
  });

  it('are listed page by page', async () => {
    for (const slug of ['c', 'a', 'b']) await create(slug);
    const first = await files.ask(ListOrgs, { limit: 2 });
    expect([first.orgs.map(({ slug }) => slug), first.next_cursor]).toEqual([['a', 'b'], 'b']);
    const rest = await files.ask(ListOrgs, { limit: 2, cursor: first.next_cursor });
    expect([rest.orgs.map(({ slug }) => slug), rest.next_cursor]).toEqual([['c'], null]);
  });

  it('let uploaders write, tell members what it takes, and others nothing', async () => {
    await create('lab');
    await set(8, 'uploader', 7);
    await set(9, 'member', 7);
    expect((await reserveFor(8)).upload).toMatchObject({ drive: 'org-lab', path: 'a', size: null });
    await files.put('org-lab', 'a', 'of any size');
    expect(await files.ask(GetQuota, { drive: 'org-lab' })).toMatchObject({ used_bytes: 11, reserved_bytes: 0 });
    await expect(reserveFor(9)).rejects.toMatchObject({ code: 'role_required', fields: { required_role: 'uploader' } });
    await expect(reserveFor(10)).rejects.toMatchObject({ code: 'org_not_found' });
    await expect(files.ask(ReserveUpload, { ...base(), by: 8, path: 'a', way: 'streamed', size: 1, content_type: null, expires_seconds: 60 })).rejects.toMatchObject({ code: 'forbidden' });
  });
});
