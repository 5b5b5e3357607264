import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '@kgpu/runtime/testing';
import type { FrontDoor } from './front-door.ts';
import { startOn, startSystem, type System } from './system.ts';

const settings = { KGPU_ALLOW_INSECURE_PROCESS: '1' };

describe('people and their GPUs', () => {
  let system: System;
  let admin: FrontDoor;
  beforeAll(async () => {
    system = await startSystem(settings);
    admin = system.admin;
  });
  afterAll(() => system.remove());

  let people = 0;
  async function somebody(): Promise<{ id: number; user: FrontDoor }> {
    const { user_id } = (await admin.post('/v1/admin/users', { email: `somebody${++people}@lab.org` })).body;
    const { token } = (await admin.post(`/v1/admin/users/${user_id}/tokens`)).body;
    return { id: user_id, user: admin.as(token) };
  }
  const rent = async (user: FrontDoor) => (await user.post('/v1/gpus', { image: 'debian:12', wait_seconds: 30 })).body;

  it('a new user has credits at once and pays for themselves', async () => {
    const { id, user } = await somebody();
    expect(await user.get('/v1/balance')).toMatchObject({ status: 200, body: { balance: 1_000_000 } });
    expect((await admin.post(`/v1/admin/users/${id}/credits`, { credits: -999_000, note: 'too many' })).body).toMatchObject({ balance: 1_000 });
    const { gpu_id } = await rent(user);
    expect((await user.get('/v1/gpus')).body).toMatchObject({ my_gpus: [{ gpu_id }], credits: { balance: 991 } });
    expect((await user.delete(`/v1/gpus/${gpu_id}`)).body).not.toHaveProperty('user_id');
    expect((await admin.get('/v1/admin/gpus?state=all')).body['gpus']).toEqual([expect.objectContaining({ gpu_id, user_id: id })]);
  });

  it('a suspended user loses tokens and GPUs, also when the server is killed meanwhile', async () => {
    const { id, user } = await somebody();
    const { gpu_id } = await rent(user);
    await admin.patch(`/v1/admin/users/${id}`, { status: 'suspended' });
    await system.stop('SIGKILL');
    system = { ...(await startOn(system.folder, settings)), folder: system.folder };
    admin = system.admin;
    expect((await admin.as(user.token).get('/v1/me')).status).toBe(401);
    const all = async () => (await admin.get('/v1/admin/gpus?state=all')).body['gpus'] as { gpu_id: string; phase: string; end_reason: string }[];
    await until(async () => (await all()).find((rental) => rental.gpu_id === gpu_id)?.phase === 'Ended', 20_000);
    expect((await all()).find((rental) => rental.gpu_id === gpu_id)?.end_reason).toBe('user_suspended');
  });

  it('a rental tells its history, live and again from any event on', async () => {
    const { user } = await somebody();
    const { gpu_id } = await rent(user);
    const path = `/v1/gpus/${gpu_id}/events`;
    const live = user.get<string>(path, { accept: 'text/event-stream' });
    await user.delete(`/v1/gpus/${gpu_id}`);
    const text = (await live).body;
    const names = (body: string) => [...body.matchAll(/^event: (.*)$/gm)].map(([, name]) => name);
    expect(names(text)).toEqual(['RentalRequested', 'RentalStarted', 'RentalEnded', 'RentalHardwareFreed']);
    expect(text).not.toMatch(/token_hash|"env"/);
    const [, second, , last] = [...text.matchAll(/^id: (.*)$/gm)].map(([, id]) => id!);
    expect((await user.get(path, { accept: 'text/event-stream', 'last-event-id': last! })).status).toBe(204);
    expect(names((await user.get<string>(path, { accept: 'text/event-stream', 'last-event-id': second! })).body)).toEqual(['RentalEnded', 'RentalHardwareFreed']);
    expect((await user.get(path)).body['events'].map(({ type }: { type: string }) => type)).toEqual(names(text));
    expect(await user.get(path, { 'last-event-id': 'garbage' })).toMatchObject({ status: 422, body: { errors: [{ pointer: '/headers/last-event-id' }] } });
    expect(await (await somebody()).user.get(path)).toMatchObject({ status: 404, body: { code: 'gpu_not_found' } });
  });
});
