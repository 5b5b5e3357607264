import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventCodec, type DriveEvent } from '@kgpu/contracts';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { testContext, type TestContext } from '@kgpu/runtime/testing';
import { FollowedDrives } from './followed-drives.ts';

const drive = 'user-7';
const at = '2026-05-17T12:00:00.000Z';
let context: TestContext;
beforeEach(async () => void (context = await testContext()));
afterEach(() => context.close());

async function record(from: number, count: number): Promise<void> {
  for (let first = from; first < from + count; first += 1_000) {
    const events = Array.from({ length: Math.min(1_000, from + count - first) }, (_, index): DriveEvent => ({
      type: 'UploadReserved',
      data: {
        drive, upload_id: `u${(first + index) % 50}`, path: `p${first + index}`, way: 'presigned', size: 1, content_type: null, was: null, by: 7, guards_delete: false, part_bytes: null, expires_at: at, at,
      },
    }));
    await context.store.append(`drive-${drive}`, events.map((event) => eventCodec.encode(event)), { expected: 'any', commitId: `c${first}` });
  }
}

async function open(): Promise<FollowedDrives> {
  const followed = await FollowedDrives.open(context);
  await followed.projection.ready;
  return followed;
}

describe('the drives of a log', () => {
  it('are the same from a snapshot, from where it ended, and from the whole log when it is of no use', async () => {
    await record(0, 12_000);
    const whole = await open();
    const state = whole.drives.get(drive)!;
    expect(state).toMatchObject({ revision: 11_999 });
    await whole.close();
    const file = join(context.config.KGPU_DATA_DIR, 'files-snapshot.jsonl');
    const saved = await readFile(file, 'utf8');
    expect(JSON.parse(saved.slice(0, saved.indexOf('\n')))).toMatchObject({ version: 2, position: state.position });

    const again = await open();
    expect(again.drives.get(drive)).toEqual(state);
    await again.close();

    await record(12_000, 10);
    const after = await open();
    const later = after.drives.get(drive)!;
    expect(later.revision).toBe(12_009);
    await after.close();
    await writeFile(file, saved.replace('"used', '"uses'));
    const damaged = await open();
    expect(damaged.drives.get(drive)).toEqual(later);
    await damaged.close();
  }, 60_000);
});
