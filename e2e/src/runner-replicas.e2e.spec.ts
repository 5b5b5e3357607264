import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventCodec, type RunEvent } from '@kgpu/contracts';
import { SqliteEventStore } from '@kgpu/event-store';
import { until } from '@kgpu/runtime/testing';
import type { FrontDoor } from './front-door.ts';
import type { PartName, Parts } from '@kgpu/standalone/testing';
import { startParts } from './parts.ts';

const RUNS = 12;
const HANDOVER_MS = 10_000;
const runners: PartName[] = ['runner', 'runner.2'];

describe('two replicas of the runner', () => {
  let parts: Parts;
  let admin: FrontDoor;
  let remove: () => Promise<void>;
  let gpuId: string;
  beforeAll(async () => {
    ({ parts, admin, remove } = await startParts({ runners: 2 }));
    gpuId = (await admin.post('/v1/gpus', { image: 'any', wait_seconds: 30 })).body['gpu_id'];
  }, 60_000);
  afterAll(() => remove(), 60_000);

  const start = async (script: string, waitSeconds = 0) =>
    (await admin.post('/v1/runs', { gpu_id: gpuId, command: ['sh', '-c', script], wait_seconds: waitSeconds })).body;
  const waiting = (gate: string) => `echo begun; until [ -e /tmp/${gate} ]; do sleep 0.05; done; echo done`;
  const startMany = async (gate: string) => {
    const ids = (await Promise.all(Array.from({ length: RUNS }, () => start(waiting(gate))))).map(({ run_id }) => run_id as string);
    for (const id of ids) await until(async () => (await admin.get(`/v1/runs/${id}`)).body['stdout'] === 'begun\n');
    return ids;
  };
  const followed = () => runners.map((name) => parts.childrenOf(name));
  const bothFollow = (total: number) => followed().every((count) => count > 0) && followed().reduce((a, b) => a + b) === total;

  /** The facts of runs as they are on record, by run. */
  async function facts(ids: string[]): Promise<RunEvent[][]> {
    const store = await SqliteEventStore.open(join(parts.folder, 'data', 'events.db'));
    const events = await Promise.all(ids.map(async (id) => (await store.read(`run-${id}`)).map((event) => eventCodec.decode<RunEvent>(event))));
    await store.close();
    return events;
  }

  async function expectAllDoneOnce(ids: string[]): Promise<void> {
    for (const id of ids) expect((await admin.get(`/v1/runs/${id}?wait_seconds=10`)).body).toMatchObject({ phase: 'Succeeded', stdout: 'begun\ndone\n', stdout_bytes: 11, output_truncated: false });
    for (const events of await facts(ids)) expect(events.map(({ type }) => type)).toEqual(['RunRequested', 'RunStarted', 'RunEnded']);
  }

  it('share the runs: each is followed by one of them', async () => {
    const ids = await startMany('first');
    const takers = (await facts(ids)).map(([requested]) => (requested!.data as { runner: string }).runner);
    expect(new Set(takers).size).toBe(2);
    expect({ followed: followed(), isShared: bothFollow(RUNS) }).toMatchObject({ isShared: true });
    await start('touch /tmp/first', 10);
    await expectAllDoneOnce(ids);
  }, 60_000);

  it('take over from one that is killed within 10 s, nothing is lost and nothing done twice, and it takes its part again', async () => {
    const ids = await startMany('second');
    const mine = parts.childrenOf('runner');
    await parts.kill('runner');
    const killedAt = performance.now();
    await start('touch /tmp/second', 10);
    await until(async () => (await Promise.all(ids.map((id) => admin.get(`/v1/runs/${id}`)))).every(({ body }) => body['phase'] === 'Succeeded'), HANDOVER_MS);
    expect(performance.now() - killedAt).toBeLessThan(HANDOVER_MS);
    expect(mine).toBeGreaterThan(0);
    await expectAllDoneOnce(ids);

    const later = await startMany('third');
    await parts.start('runner');
    const more = await startMany('third');
    await until(() => bothFollow(2 * RUNS));
    await start('touch /tmp/third', 10);
    await expectAllDoneOnce([...later, ...more]);
  }, 90_000);

  it('hand over at once when one is stopped', async () => {
    const ids = await startMany('fourth');
    const stoppedAt = performance.now();
    await parts.stop('runner.2');
    await until(() => parts.childrenOf('runner') === RUNS, 5_000);
    expect(performance.now() - stoppedAt).toBeLessThan(5_000);
    await start('touch /tmp/fourth', 10);
    await expectAllDoneOnce(ids);
    await parts.start('runner.2');
  }, 60_000);
});
