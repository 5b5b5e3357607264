import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { objectKey, type DriveId } from '@kgpu/contracts';
import type { ObjectStore } from '@kgpu/object-store';
import { textOf } from '@kgpu/object-store/testing';
import { Bucket } from '../drive/bucket.ts';
import { DriveRecord } from '../drive/drive-record.ts';
import type { OpenTransfer } from '../drive/drive.ts';
import { FollowedDrives } from '../drive/followed-drives.ts';
import { startFiles, type FilesUnderTest } from '../testing.ts';
import { Transfer } from './transfer.ts';

const drive: DriveId = 'user-7';
let files: FilesUnderTest;
let followed: FollowedDrives;
let record: DriveRecord;

beforeEach(async () => {
  files = await startFiles();
  followed = await FollowedDrives.open(files.context);
  record = new DriveRecord(files.context, followed.projection, followed.drives);
});

afterEach(async () => {
  await followed.close();
  await files.close();
});

/** The real store, where somebody else does something right after a copy. */
function whileCopying(meanwhile: (copied: string) => Promise<unknown>): ObjectStore {
  return new Proxy(files.store, {
    get(store, name) {
      if (name === 'copy') {
        return async (...call: Parameters<ObjectStore['copy']>) => {
          const copied = await store.copy(...call);
          await meanwhile(call[0].slice(objectKey(drive, '').length));
          return copied;
        };
      }
      const value: unknown = Reflect.get(store, name, store);
      return typeof value === 'function' ? value.bind(store) : value;
    },
  });
}

/** Moves `d` to `e`, as it was recorded. */
async function move(store: ObjectStore, folder: boolean, completion: 'exact' | 'inexact' = 'exact'): Promise<void> {
  const transfer = { kind: 'move' as const, to: 'e', folder, shallow: false, replaces: false, held: 0 };
  const { state } = await record.record({ type: 'Transfer', drive, operationId: 'o', transfer, path: 'd', by: 7, quotaBytes: 1_000 }, { commitId: 'o' });
  await new Transfer(record, new Bucket(store)).run(drive, state.operations.get('o') as OpenTransfer, { completion, signal: new AbortController().signal });
}

const contentOf = async (path: string) => textOf(await files.store.get(objectKey(drive, path)));

describe('a move', () => {
  it('leaves what was written at its source meanwhile and has no copy', async () => {
    await files.put(drive, 'd/a', 'one');
    await files.put(drive, 'd/b', 'two');
    await move(whileCopying(async (copied) => {
      if (copied !== 'd/a') return;
      await files.put(drive, 'd/a', 'new');
      await files.put(drive, 'd/c', 'added');
    }), true);
    expect(await Promise.all(['e/a', 'e/b', 'd/a', 'd/b', 'd/c', 'e/c'].map(contentOf))).toEqual(['one', 'two', 'new', null, 'added', null]);
    expect(await files.facts(drive)).toEqual(['TransferRequested', 'FilesCopied', 'TransferCopied', 'FilesDeleted', 'TransferCompleted']);
  });

  it('of a file leaves the one that replaced it meanwhile', async () => {
    await files.put(drive, 'd', 'one');
    await move(whileCopying(() => files.put(drive, 'd', 'new')), false);
    expect(await Promise.all(['d', 'e'].map(contentOf))).toEqual(['new', 'one']);
  });

  it('that goes on after a crash copies again what may not be the copy', async () => {
    await files.put(drive, 'd', 'one');
    await files.put(drive, 'e', 'old');
    await move(files.store, false, 'inexact');
    expect(await Promise.all(['d', 'e'].map(contentOf))).toEqual([null, 'one']);
  });

  it('of a file that has gone meanwhile is over', async () => {
    await move(files.store, false);
    expect(await files.facts(drive)).toEqual(['TransferRequested', 'TransferCopied', 'TransferCompleted']);
  });
});
