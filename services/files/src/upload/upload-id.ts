import { derivedId, driveId, Problem, type DriveId, type ReservedUpload } from '@kgpu/contracts';
import type { OpenUpload } from '../drive/drive.ts';

/** `up-<drive>-<32 hex>`. The same command names the same upload. */
export function uploadIdOf(drive: DriveId, commandId: string): string {
  return `up-${drive}-${derivedId('upload', drive, commandId)}`;
}

/** Throws `upload_not_found`. */
export function driveOfUpload(uploadId: string): DriveId {
  const drive = /^up-(.+)-[0-9a-f]{32}$/.exec(uploadId)?.[1];
  if (drive === undefined || !driveId.safeParse(drive).success) throw new Problem('upload_not_found');
  return drive;
}

export function viewUpload(drive: DriveId, upload: OpenUpload): ReservedUpload {
  const { id, path, way, size, contentType, was, storeUploadId, partBytes, expiresAt } = upload;
  return {
    upload_id: id, drive, path, way, size, content_type: contentType, replaces: was !== null, store_upload_id: storeUploadId, part_bytes: partBytes, expires_at: expiresAt,
  };
}
