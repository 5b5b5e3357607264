import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import type { FrontDoor } from './front-door.ts';
import { startSystem, type System } from './system.ts';

const PART = 5 * 1024 * 1024;

describe('shared drives and uploads', () => {
  let system: System;
  let [owner, uploader, member, stranger]: FrontDoor[] = [];
  const ids: Record<string, number> = {};
  const text = (door: FrontDoor, method: string, path: string, headers: Record<string, string> = {}, body?: string) =>
    fetch(door.base + path, { method, redirect: 'manual', headers: { authorization: `Bearer ${door.token}`, ...headers }, ...(body !== undefined && { body }) });
  const code = (reply: { body: Record<string, any> }) => reply.body['code'];

  beforeAll(async () => {
    system = await startSystem();
    const make = async (name: string) => {
      const { body } = await system.admin.post('/v1/admin/users', { email: `${name}@lab.org` });
      ids[name] = body['user_id'];
      return system.admin.as((await system.admin.post(`/v1/admin/users/${body['user_id']}/tokens`)).body['token']);
    };
    owner = await make('owner');
    uploader = await make('uploader');
    member = await make('member');
    stranger = await make('stranger');
    expect(await system.admin.post('/v1/admin/orgs', { slug: 'lab', name: 'The Lab', owner_user_id: ids['owner'] })).toMatchObject({ status: 201, body: { slug: 'lab', members: 1 } });
  }, 60_000);
  afterAll(() => system.remove());

  it('are made by admins, once', async () => {
    expect(code(await system.admin.post('/v1/admin/orgs', { slug: 'lab', name: 'Again', owner_user_id: 1 }))).toBe('org_exists');
    expect(code(await system.admin.post('/v1/admin/orgs', { slug: 'ghosts', name: 'Ghosts', owner_user_id: 999 }))).toBe('user_not_found');
    expect(code(await system.admin.post('/v1/admin/orgs', { slug: 'Not DNS', name: 'X', owner_user_id: 1 }))).toBe('invalid_request');
    expect(code(await owner!.post('/v1/admin/orgs', { slug: 'mine', name: 'Mine', owner_user_id: 1 }))).toBe('admin_required');
    expect((await system.admin.get('/v1/admin/orgs')).body['orgs']).toMatchObject([{ slug: 'lab' }]);
  });

  it("have members whom the org's own admins manage, and nobody else", async () => {
    for (const [name, role] of [['uploader', 'uploader'], ['member', 'member']] as const) {
      expect(await owner!.post('/v1/admin/orgs/lab/members', { user_id: ids[name], role })).toMatchObject({ status: 200, body: { user_id: ids[name], role } });
    }
    expect(code(await uploader!.post('/v1/admin/orgs/lab/members', { user_id: ids['stranger'], role: 'member' }))).toBe('role_required');
    expect(code(await stranger!.get('/v1/admin/orgs/lab/members'))).toBe('org_not_found');
    expect(code(await stranger!.post('/v1/admin/orgs/lab/members', { user_id: 999, role: 'admin' }))).toBe('org_not_found');
    expect((await owner!.get('/v1/admin/orgs/lab/members')).body['members']).toHaveLength(3);
    expect(code(await owner!.delete(`/v1/admin/orgs/lab/members/${ids['owner']}`))).toBe('last_admin');
    expect(code(await owner!.delete(`/v1/admin/orgs/lab/members/${ids['stranger']}`))).toBe('member_not_found');
    expect((await member!.get('/v1/me')).body['orgs']).toEqual([{ slug: 'lab', role: 'member' }]);
  });

  it('are written by uploaders and admins, read by members, and not there for anybody else', async () => {
    expect((await text(uploader!, 'PUT', '/v1/shared/lab/data/a.txt', {}, 'abc')).status).toBe(201);
    const refused = await text(member!, 'PUT', '/v1/shared/lab/data/b.txt', {}, 'no');
    expect(await refused.json()).toMatchObject({ code: 'role_required', required_role: 'uploader' });
    expect(code(await member!.delete('/v1/shared/lab/data/a.txt'))).toBe('role_required');
    for (const method of ['GET', 'PUT', 'DELETE', 'POST']) {
      const reply = await text(stranger!, method, '/v1/shared/lab/data/a.txt');
      expect([method, reply.status, ((await reply.json()) as { code: string }).code]).toEqual([method, 404, 'org_not_found']);
    }
    expect(await (await fetch(`${system.url}/v1/shared/lab/data/a.txt`, { headers: { authorization: `Bearer ${member!.token}` } })).text()).toBe('abc');
    expect((await member!.get('/v1/shared/?json=1')).body).toEqual({ orgs: [{ slug: 'lab', name: 'The Lab', role: 'member' }] });
    expect((await member!.get('/v1/shared?json=1')).body['orgs']).toHaveLength(1);
    expect((await member!.get('/v1/shared/lab/?json=1')).body).toMatchObject({ folders: ['data'], files: [] });
    expect((await text(member!, 'GET', '/v1/shared/lab')).status).toBe(301);
    expect((await stranger!.get('/v1/shared/?json=1')).body).toEqual({ orgs: [] });
  });

  it('can be read below shared/ of the own drive, and not written there', async () => {
    expect(await (await fetch(`${system.url}/v1/files/shared/lab/data/a.txt`, { headers: { authorization: `Bearer ${uploader!.token}` } })).text()).toBe('abc');
    expect(code({ body: (await (await text(uploader!, 'PUT', '/v1/files/shared/lab/data/a.txt', {}, 'no')).json()) as object })).toBe('forbidden');
    expect(code(await uploader!.delete('/v1/files/shared/?confirm=all'))).toBe('forbidden');
  });

  it('know an upload that was made with a URL when it is registered, and none that was not', async () => {
    const minted = await uploader!.post('/v1/shared/lab/data/minted', null, { 'x-content-type': 'text/csv' });
    expect(minted).toMatchObject({ status: 200, body: { method: 'PUT', headers: { 'Content-Type': 'text/csv' } } });
    expect(code(await uploader!.post('/v1/shared/lab/data/minted/registered', null))).toBe('file_not_found');
    const bytes = 'a,b\n1,2\n';
    expect((await fetch(minted.body['url'], { method: 'PUT', headers: { 'content-type': 'text/csv' }, body: bytes })).status).toBe(200);
    const registered = await uploader!.post('/v1/shared/lab/data/minted/registered', null);
    expect(registered).toMatchObject({ status: 200, body: { size: bytes.length, etag: createHash('md5').update(bytes).digest('hex') } });
    expect(code(await member!.post('/v1/shared/lab/data/minted/registered', null))).toBe('role_required');
  });

  it('mint one reservation for one Idempotency-Key, and the same URL again', async () => {
    const mint = (size: number) => uploader!.post('/v1/files/minted', null, { 'x-content-length': String(size), 'idempotency-key': 'mint-1' });
    const replies = [await mint(100), await mint(100)];
    expect(replies.map(({ status }) => status)).toEqual([200, 200]);
    expect((await uploader!.get('/v1/files')).body['quota'].reserved_bytes).toBe(100);
    expect(code(await mint(101))).toBe('idempotency_key_reused');
    expect(await uploader!.post('/v1/files/minted', null)).toMatchObject({ status: 422, body: { errors: [{ pointer: '/headers/x-content-length' }] } });
    expect(code(await uploader!.post('/v1/files/minted', null, { 'x-content-length': String(6 * 1024 ** 3) }))).toBe('payload_too_large');
  });

  it('take uploads in parts that go on where they were', async () => {
    const content = Buffer.alloc(PART * 2 + 1_000, 'kgpu ');
    const begun = await owner!.post('/v1/files/big.bin?multipart=1', null, { 'x-content-length': String(content.length) });
    expect(begun).toMatchObject({ status: 201, body: { part_bytes: expect.any(Number) } });
    const path = `/v1/uploads/${begun.body['upload_id']}`;
    const { part_bytes } = begun.body;
    const status = async () => (await owner!.get(path)).body;
    expect(await status()).toMatchObject({ size: content.length, uploaded_bytes: 0, part_count: Math.ceil(content.length / part_bytes) });
    expect(code(await owner!.post(`${path}/complete`, null))).toBe('invalid_request');
    const send = async ({ part_number, url, headers }: { part_number: number; url: string; headers: Record<string, string> }) => {
      const body = content.subarray((part_number - 1) * part_bytes, part_number * part_bytes);
      expect((await fetch(url, { method: 'PUT', headers, body })).status).toBe(200);
    };
    const { parts } = await status();
    await send(parts[0]);
    const rest = (await status()).parts.filter(({ etag }: { etag: string | null }) => etag === null);
    expect(rest).toHaveLength(parts.length - 1);
    for (const part of rest) await send(part);
    for (const reply of [await stranger!.get(path), await stranger!.delete(path), await stranger!.post(`${path}/complete`, null)]) expect(code(reply)).toBe('upload_not_found');
    expect(await owner!.post(`${path}/complete`, null)).toMatchObject({ status: 200, body: { path: 'big.bin', size: content.length } });
    const got = await fetch(`${system.url}/v1/files/big.bin`, { headers: { authorization: `Bearer ${owner!.token}` } });
    expect(Buffer.from(await got.arrayBuffer()).equals(content)).toBe(true);
    expect((await owner!.get('/v1/files')).body['quota']).toMatchObject({ used_bytes: content.length, reserved_bytes: 0 });
  }, 60_000);

  it('give the room of an upload back that is given up', async () => {
    const { body } = await owner!.post('/v1/files/given-up?multipart=1', null, { 'x-content-length': '10000000' });
    expect((await owner!.get('/v1/files')).body['quota'].reserved_bytes).toBe(10_000_000);
    expect(await owner!.delete(`/v1/uploads/${body['upload_id']}`)).toMatchObject({ status: 200, body: { aborted: true } });
    expect((await owner!.get('/v1/files')).body['quota'].reserved_bytes).toBe(0);
    expect(code(await owner!.get(`/v1/uploads/${body['upload_id']}`))).toBe('upload_not_found');
  });

  it('are reached by the token of a rental, with paths of files and no other', async () => {
    const { body: rental } = await system.admin.post('/v1/gpus', { image: 'debian:12-slim', wait_seconds: 30 });
    const { body: ran } = await system.admin.post('/v1/runs', { gpu_id: rental['gpu_id'], command: ['sh', '-c', 'printf %s $KGPU_API_TOKEN'], wait_seconds: 20 });
    const inside = system.admin.as(ran['stdout']);
    expect((await text(inside, 'PUT', '/v1/files/inside', {}, 'x')).status).toBe(201);
    expect((await inside.get('/v1/files')).status).toBe(200);
    expect((await inside.get('/v1/shared/?json=1')).status).toBe(200);
    for (const path of ['/v1/uploads/up-user-1-x', '/v1/admin/orgs', '/v1/admin/orgs/lab/members', '/v1/me']) expect([path, code(await inside.get(path))]).toEqual([path, 'forbidden']);
    expect(code(await inside.post('/v1/files/x?multipart=1', null, { 'x-content-length': '5' }))).toBe('forbidden');
    await system.admin.delete(`/v1/gpus/${rental['gpu_id']}`);
  }, 60_000);

  it('are compared with the store on demand, line by line', async () => {
    const reply = await text(system.admin, 'POST', '/v1/admin/files/reconcile', { 'content-type': 'application/json' }, JSON.stringify({ org: 'lab' }));
    expect(reply.headers.get('content-type')).toContain('application/x-ndjson');
    const lines = (await reply.text()).trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toContainEqual(expect.objectContaining({ line: 'drive', drive: 'org-lab', objects: 2, difference_bytes: 0 }));
    expect(lines.at(-1)).toMatchObject({ line: 'report', drives: 1 });
    expect(code(await system.admin.post('/v1/admin/files/reconcile', { org: 'nolab' }))).toBe('org_not_found');
    expect(code(await system.admin.post('/v1/admin/files/reconcile', { org: 'lab', user_id: 1 }))).toBe('invalid_request');
    expect(code(await owner!.post('/v1/admin/files/reconcile', {}))).toBe('admin_required');
  });

  it('are gone for members who are removed, at once', async () => {
    expect((await owner!.delete(`/v1/admin/orgs/lab/members/${ids['member']}`)).status).toBe(200);
    expect(code(await member!.get('/v1/shared/lab/data/a.txt'))).toBe('org_not_found');
    expect((await member!.get('/v1/me')).body['orgs']).toEqual([]);
  });
});
