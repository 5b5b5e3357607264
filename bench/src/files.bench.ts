/** Room for uploads, reserved over the bus as the gateway does, against what is below it: one fact appended to the same store. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfirmUpload, ReserveUpload } from '@kgpu/contracts';
import { openEventStore } from '@kgpu/event-store';
import { start } from '@kgpu/files';
import { testContext } from '@kgpu/runtime/testing';
import type { Row } from './row.ts';

const UPLOADS = 1_000;
const AT_ONCE = 32;

export async function run(): Promise<Row[]> {
  const bare = await appends();
  const context = await testContext();
  const service = await start(context);
  try {
    const ask = (index: number, drive: string, user: number) => context.bus.ask(ReserveUpload, {
      command_id: `bench-${drive}-${index}`, drive, by: user, path: `f${index}`, way: 'streamed', size: 1, content_type: null, expires_seconds: 60,
    }, { requestId: 'bench', deadlineMs: 30_000 });
    const one = await perSecond((index) => ask(index, 'user-1', 1));
    const many = await perSecond((index) => ask(index, `user-${2 + (index % 50)}`, 2 + (index % 50)));
    const whole = await perSecond(async (index) => {
      const { upload: { upload_id } } = await ask(index, 'user-100', 100);
      await context.bus.ask(ConfirmUpload, { command_id: `confirm-${index}`, drive: 'user-100', upload_id, size: 1, etag: 'e' }, { requestId: 'bench', deadlineMs: 30_000 });
    });
    const to = 'append of one fact';
    return [
      { what: `append of one fact, ${AT_ONCE} at once`, value: bare, unit: '/s' },
      { what: `reserve, one drive, ${AT_ONCE} at once`, value: one, unit: '/s', ratio: one / bare, to },
      { what: `reserve, 50 drives, ${AT_ONCE} at once`, value: many, unit: '/s', ratio: many / bare, to },
      { what: `reserve and confirm, one drive, ${AT_ONCE} at once`, value: whole, unit: '/s', ratio: whole / bare, to },
    ];
  } finally {
    await service.close();
    await context.close();
  }
}

async function appends(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'kgpu-bench-'));
  const store = await openEventStore(`sqlite:${join(folder, 'events.db')}`);
  try {
    const data = { drive: 'user-1', path: 'f', size: 1, at: '2026-05-17T12:00:00.000Z' };
    return await perSecond((index) => store.append(`drive-${index % 50}`, [{ type: 'Noted', v: 1, data }], { expected: 'any', commitId: `c${index}` }));
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function perSecond(work: (index: number) => Promise<unknown>): Promise<number> {
  const began = performance.now();
  let next = 0;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (next < UPLOADS) await work(next++);
  }));
  return (UPLOADS * 1_000) / (performance.now() - began);
}
