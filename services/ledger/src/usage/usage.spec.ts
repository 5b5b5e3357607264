import { describe, expect, it } from '@jest/globals';
import { chained, eventCodec, type UsageGroup } from '@kgpu/contracts';
import { MemoryEventStore } from '@kgpu/event-store';
import type { Stretch } from '../statement/stretch.ts';
import { usage } from './usage.ts';

const at = (text: string) => Date.parse(`2026-05-${text}Z`);
const may = { from: at('01T00:00:00'), to: at('31T00:00:00') };

/** One rental at 500, of 21 minutes from 23:50:30 on. */
async function charged(): Promise<MemoryEventStore> {
  const store = new MemoryEventStore();
  const data = chained('', 'RentalCharged', {
    user_id: 7, gpu_id: 'gpu-7-260517010000-0a1b2c3d', gpu_model: 'GB10', minutes: 21, waived_minutes: 0, price_per_hour_credits: 500, units: 21 * 500,
    started_at: '2026-05-17T23:50:30.000Z', ended_at: '2026-05-18T00:10:45.000Z', charged_until: '2026-05-18T00:10:45.000Z', caused_by: [], at: '2026-05-18T00:10:46.000Z',
  });
  await store.append('account-7', [eventCodec.encode({ type: 'RentalCharged', data })], { expected: 'any', commitId: 'charge' });
  return store;
}

const of = async (groupBy: UsageGroup, window = may, running: Stretch[] = []) => {
  const store = await charged();
  const { usage: rows, total } = await usage(store, running, { ...window, groupBy });
  await store.close();
  return { rows: rows.map(({ group, rentals, minutes, units }) => [group, rentals, minutes, units]), total };
};

describe('usage', () => {
  it('gives each minute to the day in which it begins, and loses none at midnight', async () => {
    expect((await of('day')).rows).toEqual([['2026-05-17', 1, 10, 5_000], ['2026-05-18', 1, 11, 5_500]]);
    expect((await of('day')).total).toEqual({ rentals: 1, minutes: 21, hours: 0.35, credits: 175, units: 10_500 });
  });

  it('is the same in two windows as in both together', async () => {
    const noon = at('18T00:03:30');
    const [before, after] = [await of('user', { from: may.from, to: noon }), await of('user', { from: noon, to: may.to })];
    expect([before.rows, after.rows]).toEqual([[['7', 1, 13, 6_500]], [['7', 1, 8, 4_000]]]);
  });

  it('counts what runs by now, but nothing twice that was charged meanwhile', async () => {
    const running = (gpuId: string): Stretch => ({
      gpuId, userId: 3, gpuModel: 'H100', pricePerHourCredits: 3_000, startedAt: at('20T10:00:00'), minutes: 5, until: at('20T10:04:10'),
    });
    expect((await of('gpu_model', may, [running('gpu-3-260520100000-00000001'), running('gpu-7-260517010000-0a1b2c3d')])).rows).toEqual([['GB10', 1, 21, 10_500], ['H100', 1, 5, 15_000]]);
  });

  it('is empty in a window in which nothing began', async () => {
    expect((await of('user', { from: at('18T00:10:31'), to: may.to })).rows).toEqual([]);
  });

  it('counts a minute for each org that its user belonged to when it began', async () => {
    const store = await charged();
    const facts = [
      ['lab', 'OrgMemberSet', '17T23:50:30'], ['lab', 'OrgMemberRemoved', '17T23:55:30'], ['ecg', 'OrgMemberSet', '17T23:54:30'], ['ecg', 'OrgMemberSet', '17T23:56:00'],
      ['ecg', 'OrgMemberRemoved', '18T00:00:30'], ['lab', 'OrgMemberSet', '18T00:10:30'],
    ] as const;
    for (const [slug, type, time] of facts) {
      const data = { slug, user_id: 7, by: null, at: new Date(at(time)).toISOString(), ...(type === 'OrgMemberSet' && { role: 'member' }) };
      await store.append(`org-${slug}`, [eventCodec.encode({ type, data })], { expected: 'any', commitId: time });
    }
    const { usage: rows, total } = await usage(store, [], { ...may, groupBy: 'org' });
    await store.close();
    // Of 21 minutes: lab 0 to 4 and the last one, ecg 4 to 9; ten in no org.
    expect(rows.map(({ group, minutes, rentals }) => [group, minutes, rentals])).toEqual([['-', 10, 1], ['ecg', 6, 1], ['lab', 6, 1]]);
    expect(total.minutes).toBe(21);
  });
});
