/** What the facts of drives say of objects that are no longer what was seen of them. */
import { objectKey, type DriveId, type KgpuEvent } from '@kgpu/contracts';
import type { ObjectHeads } from './object-heads.ts';

/** `now`: business time of now, to tell how long an upload may still come. */
export function forgetChanged(heads: ObjectHeads, event: KgpuEvent, now: Date): void {
  switch (event.type) {
    case 'UploadReserved': {
      const { drive, path, way, expires_at } = event.data;
      const leftMs = Date.parse(expires_at) - now.getTime();
      if (way === 'presigned' && leftMs > 0) heads.uploading(objectKey(drive, path), leftMs);
      return;
    }
    case 'UploadConfirmed':
    case 'FileRegistered':
    case 'FolderMade':
      return heads.forget(objectKey(event.data.drive, event.data.path));
    case 'DeletionRequested':
    case 'FilesDeleted':
    case 'DeletionCompleted':
    case 'TransferTargetCleared':
    case 'FilesCopied':
    case 'TransferCopied':
      return forgetAll(heads, event.data.drive, event.data.path);
    case 'TransferRequested':
    case 'TransferCompleted':
      forgetAll(heads, event.data.drive, event.data.path);
      return forgetAll(heads, event.data.drive, event.data.to);
    default:
  }
}

/** A path, and everything below it. */
function forgetAll(heads: ObjectHeads, drive: DriveId, path: string): void {
  heads.forget(objectKey(drive, path));
  heads.forgetBelow(path === '' ? objectKey(drive, '') : `${objectKey(drive, path)}/`);
}
