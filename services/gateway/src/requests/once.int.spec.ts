import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { testGateway, type TestGateway } from '../testing.ts';
import { ForgetRequests } from './forget-requests.policy.ts';

let gateway: TestGateway;
let numbers = 0;

beforeAll(async () => {
  gateway = await testGateway();
});
afterAll(() => gateway.close());

const email = () => `once${++numbers}@lab.org`;
const register = (key: string, body: object) => gateway.call('POST /v1/admin/users', { body, headers: { 'idempotency-key': key } });

describe('an idempotency key', () => {
  it('gives the same answer to the same request, also after a restart', async () => {
    const body = { email: email() };
    const first = await register('same', body);
    expect(first.status).toBe(201);
    expect(await register('same', { ...body, role: 'user' })).toMatchObject({ status: 201, body: first.body });
    await gateway.restart();
    expect(await register('same', body)).toMatchObject({ status: 201, body: first.body });
  });

  it('stands for one request only', async () => {
    const body = { email: email() };
    await register('one', body);
    expect((await register('one', { ...body, name: 'Other' })).body.code).toBe('idempotency_key_reused');
    expect((await gateway.call('POST /v1/admin/users/1/tokens', { headers: { 'idempotency-key': 'one' } })).body.code).toBe('idempotency_key_reused');
  });

  it('belongs to its caller', async () => {
    const users = await Promise.all([1, 2].map(async () => {
      const { body } = await gateway.call('POST /v1/admin/users', { body: { email: email(), role: 'admin' } });
      return (await gateway.call(`POST /v1/admin/users/${body.user_id}/tokens`)).body.token as string;
    }));
    const answers = await Promise.all(users.map((token) => gateway.call('POST /v1/admin/users', { token, body: { email: email() }, headers: { 'idempotency-key': 'own' } })));
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
  });

  it('does a thing once for a hundred requests at the same time', async () => {
    const body = { email: email() };
    const answers = await Promise.all(Array.from({ length: 100 }, () => register('race', body)));
    expect(new Set(answers.map(({ status, body: user }) => `${status} ${user.user_id}`)).size).toBe(1);
    expect((await gateway.call(`GET /v1/admin/users?q=${body.email}`)).body.users).toHaveLength(1);
  });

  it('keeps no refusal: what was refused may be tried again', async () => {
    const { body: user } = await gateway.call('POST /v1/admin/users', { body: { email: email(), status: 'suspended' } });
    const issue = () => gateway.call(`POST /v1/admin/users/${user.user_id}/tokens`, { headers: { 'idempotency-key': 'again' } });
    expect((await issue()).body.code).toBe('forbidden');
    await gateway.call(`PATCH /v1/admin/users/${user.user_id}`, { body: { status: 'active' } });
    expect((await issue()).status).toBe(201);
  });

  it('gives the same token again, though it is stored nowhere', async () => {
    const issue = () => gateway.call('POST /v1/admin/users/1/tokens', { headers: { 'idempotency-key': 'token' } });
    const { body } = await issue();
    await gateway.restart();
    expect((await issue()).body).toEqual(body);
    const stored = JSON.stringify([await gateway.context.expiring.readAll(), await gateway.context.store.readAll()]);
    expect(stored).not.toContain(body.token.slice(5));
  });

  it.each(['x'.repeat(129), '', 'k\u00e4y', 'tab\there'])('that is not 1 to 128 printable ASCII characters is refused: %p', async (key) => {
    const answer = await gateway.call('POST /v1/admin/users', { body: { email: email() }, headers: { 'idempotency-key': key } });
    expect([answer.status, answer.body.code]).toEqual([422, 'invalid_request']);
  });

  it('is forgotten a day after its answer', async () => {
    const body = { email: email() };
    await register('day', body);
    const forget = new ForgetRequests(gateway.context.expiring, gateway.context.log);
    await forget.sweep(new Date(Date.now() + 23 * 3_600_000));
    expect((await register('day', body)).status).toBe(201);
    await forget.sweep(new Date(Date.now() + 25 * 3_600_000));
    expect((await register('day', body)).body.code).toBe('email_taken');
    await forget.close();
  });
});
