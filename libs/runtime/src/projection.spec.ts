import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventCodec, type KgpuEvent } from '@kgpu/contracts';
import { MemoryEventStore } from '@kgpu/event-store';
import { follow, type Projection } from './projection.ts';
import { until } from './testing.ts';

const at = '2026-03-01T12:00:00.000Z';
const suspended = (userId: number) => eventCodec.encode({ type: 'UserStatusChanged', data: { user_id: userId, status: 'suspended', at } });

describe('a projection', () => {
  let store: MemoryEventStore;
  let projection: Projection | undefined;
  let seen: KgpuEvent[];
  const record = (userId: number) => store.append('directory', [suspended(userId)], { expected: 'any', commitId: `suspend-${userId}` });
  const followDirectory = (apply: (event: KgpuEvent) => void = (event) => void seen.push(event)) =>
    (projection = follow(store, { categories: ['directory'] }, apply));

  beforeEach(() => {
    store = new MemoryEventStore();
    seen = [];
  });
  afterEach(async () => {
    await projection?.close();
    await store.close();
  });

  it('knows everything that was on record once it is ready, and what comes then', async () => {
    await record(1);
    const directory = followDirectory();
    await directory.ready;
    expect(seen).toHaveLength(1);
    const { position } = await record(2);
    await directory.reached(position);
    expect(seen.at(-1)).toEqual({ type: 'UserStatusChanged', data: { user_id: 2, status: 'suspended', at } });
    expect(directory.position).toBe(position);
  });

  it('does not answer from an older log than the caller has seen', async () => {
    const directory = followDirectory();
    await directory.reached();
    await expect(directory.reached(1, 20)).rejects.toMatchObject({ code: 'service_timeout' });
  });

  it('stands still at an event that a newer kgpu wrote, and says so', async () => {
    await store.append('directory', [{ ...suspended(1), v: 99 }], { expected: 'any', commitId: 'new' });
    const directory = followDirectory();
    await expect(directory.ready).rejects.toThrow('UserStatusChanged version 99');
    await record(2);
    expect(directory.halted?.message).toContain('version 99');
    expect(seen).toEqual([]);
  });

  it('stands still where it met a defect', async () => {
    const directory = followDirectory(() => {
      throw new Error('defect');
    });
    await record(1);
    await until(() => directory.halted);
    expect(directory.halted?.message).toBe('defect');
  });
});
