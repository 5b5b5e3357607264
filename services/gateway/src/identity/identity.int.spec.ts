import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { hashToken, newToken } from '@kgpu/contracts';
import { until } from '@kgpu/runtime/testing';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { testGateway, type TestGateway } from '../testing.ts';

const scripts = 'a-token-for-scripts-0123456789';
let gateway: TestGateway;
let emails = 0;

beforeAll(async () => {
  gateway = await testGateway({ config: { KGPU_ADMIN_TOKEN: scripts, KGPU_ADMIN_EMAILS: 'head@lab.org' } });
});
afterAll(() => gateway.close());

const tokenFile = () => join(gateway.context.config.KGPU_DATA_DIR, 'admin-token');

async function makeUser(user: object = {}): Promise<{ id: number; token: string; tokenId: string }> {
  const { body } = await gateway.call('POST /v1/admin/users', { body: { email: `user${++emails}@lab.org`, ...user } });
  const { body: issued } = await gateway.call(`POST /v1/admin/users/${body.user_id}/tokens`);
  return { id: body.user_id, token: issued.token, tokenId: issued.token_id };
}

describe('the first admin', () => {
  it('is there from the first start, with a token that only the owner of the data folder can read', async () => {
    expect((await gateway.call('GET /v1/me')).body).toEqual({ user_id: 1, email: 'head@lab.org', name: 'head', role: 'admin', status: 'active', orgs: [] });
    expect(readFileSync(tokenFile(), 'utf8').trim()).toBe(gateway.adminToken);
    expect(statSync(tokenFile()).mode & 0o777).toBe(0o600);
  });

  it('keeps the token over restarts; one that was revoked is replaced by a new one', async () => {
    const before = gateway.adminToken;
    await gateway.restart();
    expect(gateway.adminToken).toBe(before);

    const recorded = await gateway.context.store.read('tokens-1');
    const { token_id } = recorded.at(-1)!.data as { token_id: string };
    await gateway.call(`DELETE /v1/admin/users/1/tokens/${token_id}`);
    expect((await gateway.call('GET /v1/me')).status).toBe(401);
    await gateway.restart();
    expect(gateway.adminToken).not.toBe(before);
    expect((await gateway.call('GET /v1/me')).status).toBe(200);
  });

  it('does not make a token good again that somebody else lost', async () => {
    const user = await makeUser();
    writeFileSync(tokenFile(), user.token);
    await gateway.restart();
    expect(gateway.adminToken).not.toBe(user.token);
    expect((await gateway.call('GET /v1/me', { token: user.token })).body.role).toBe('user');
  });
});

describe('a token', () => {
  it('is taken as Bearer and as the password of Basic', async () => {
    const { token } = await makeUser({ email: 'basic@lab.org' });
    const basic = `Basic ${Buffer.from(`anything:${token}`).toString('base64')}`;
    expect((await gateway.call('GET /v1/me', { token: null, headers: { authorization: basic } })).body.email).toBe('basic@lab.org');
    expect((await gateway.call('GET /v1/me', { token })).body.email).toBe('basic@lab.org');
  });

  it.each(['', 'Bearer', 'Bearer x', `Bearer ${newToken()}`, 'Basic !!!', 'Digest abc', 'Bearer a b'])('is refused when it is %p', async (authorization) => {
    const { status, body, headers } = await gateway.call('GET /v1/me', { token: null, headers: { authorization } });
    expect([status, body.code]).toEqual([401, 'unauthenticated']);
    expect(headers.get('www-authenticate')).toContain('Bearer');
  });

  it('that is wrong is refused where none would do, too', async () => {
    expect((await gateway.call('GET /v1/gpus', { token: 'wrong' })).status).toBe(401);
  });

  it('is never stored: the log holds its hash', async () => {
    const { id, token } = await makeUser();
    const recorded = JSON.stringify(await gateway.context.store.read(`tokens-${id}`));
    expect(recorded).toContain(hashToken(token));
    expect(recorded).not.toContain(token.slice(5));
  });

  it('is dead once it was revoked, while others of the user live', async () => {
    const { id, token, tokenId } = await makeUser();
    const other = (await gateway.call(`POST /v1/admin/users/${id}/tokens`, { body: { note: 'service' } })).body.token;
    for (const _ of [1, 2]) expect((await gateway.call(`DELETE /v1/admin/users/${id}/tokens/${tokenId}`)).body).toEqual({ token_id: tokenId, revoked: true });
    expect((await gateway.call('GET /v1/me', { token })).status).toBe(401);
    expect((await gateway.call('GET /v1/me', { token: other })).status).toBe(200);
    expect((await gateway.call(`DELETE /v1/admin/users/${id}/tokens/none`)).body.code).toBe('token_not_found');
  });
});

describe('users', () => {
  it('must be approved, but may see who they are and the cluster', async () => {
    const { id, token } = await makeUser({ status: 'pending' });
    expect((await gateway.call('GET /v1/balance', { token })).body.code).toBe('not_approved');
    expect((await gateway.call('POST /v1/gpus', { token, body: { image: 'debian' } })).body.code).toBe('not_approved');
    expect((await gateway.call('GET /v1/me', { token })).body.status).toBe('pending');
    await gateway.call(`PATCH /v1/admin/users/${id}`, { body: { status: 'active' } });
    expect((await gateway.call('GET /v1/balance', { token })).body.code).toBe('service_unavailable');
  });

  it('who are no admins reach nothing of the admin', async () => {
    const { token } = await makeUser();
    for (const route of ['GET /v1/admin/users', 'GET /v1/admin/gpus']) expect((await gateway.call(route, { token })).body.code).toBe('admin_required');
    expect((await gateway.call('GET /v1/admin/users', { token: null })).body.code).toBe('unauthenticated');
  });

  it('who are suspended lose their tokens at once, and for good', async () => {
    const { id, token } = await makeUser();
    await gateway.call(`PATCH /v1/admin/users/${id}`, { body: { status: 'suspended' } });
    expect((await gateway.call('GET /v1/me', { token })).status).toBe(401);
    await until(async () => (await gateway.context.store.read(`tokens-${id}`)).some(({ type }) => type === 'TokenRevoked'));
    await gateway.call(`PATCH /v1/admin/users/${id}`, { body: { status: 'active' } });
    expect((await gateway.call('GET /v1/me', { token })).status).toBe(401);
    expect((await gateway.call(`POST /v1/admin/users/${id}/tokens`)).status).toBe(201);
  });

  it('are listed in pages, by status and by a part of their name', async () => {
    for (const name of ['Zoe One', 'Zoe Two', 'Zoe Three']) await makeUser({ name, status: 'pending' });
    const first = await gateway.call('GET /v1/admin/users?q=zoe&status=pending&limit=2');
    expect(first.body.users.map(({ name }: { name: string }) => name)).toEqual(['Zoe One', 'Zoe Two']);
    const second = await gateway.call(`GET /v1/admin/users?q=zoe&status=pending&limit=2&cursor=${first.body.next_cursor}`);
    expect(second.body).toMatchObject({ users: [{ name: 'Zoe Three' }], next_cursor: null });
    expect((await gateway.call('GET /v1/admin/users?cursor=x')).body.errors).toEqual([expect.objectContaining({ pointer: '/query/cursor' })]);
  });

  it('have one e-mail each, in any case', async () => {
    await makeUser({ email: 'Once@Lab.org' });
    expect((await gateway.call('POST /v1/admin/users', { body: { email: 'oNCE@lab.ORG' } })).body.code).toBe('email_taken');
  });

  it('keep the last active admin', async () => {
    expect((await gateway.call('PATCH /v1/admin/users/1', { body: { role: 'user' } })).body.code).toBe('last_admin');
    expect((await gateway.call('PATCH /v1/admin/users/999', { body: { role: 'user' } })).body.code).toBe('user_not_found');
  });
});

describe('the admin token of scripts', () => {
  it('does what admins do, and nothing that needs a user', async () => {
    expect((await gateway.call('GET /v1/admin/users', { token: scripts })).status).toBe(200);
    for (const route of ['GET /v1/me', 'GET /v1/balance']) expect((await gateway.call(route, { token: scripts })).body.code).toBe('forbidden');
    expect((await gateway.call('POST /v1/gpus', { token: scripts, body: { image: 'debian' } })).body.code).toBe('forbidden');
  });
});
