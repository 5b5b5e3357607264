import { z } from 'zod';
import { driveId } from '../drive.ts';
import { instant, userId } from '../shapes.ts';

/** How the bytes of an upload come; messages/files.ts says what each means. */
export const uploadWay = z.enum(['presigned', 'streamed', 'parts', 'streamed_parts']);
export type UploadWay = z.infer<typeof uploadWay>;

const path = z.string();
const by = userId.nullable();
/** What a path has at an instant, as the store tells it. */
const found = z.object({ size: z.int(), etag: z.string(), modified_at: z.string() });
export type FoundObject = z.infer<typeof found>;
/** Uploads under way whose path has another size now than they were reserved against. */
const uploads = z.array(z.string());

/**
 * Streams `drive-<drive>`: what the bucket can't know of a drive. Bytes count by facts (`UploadConfirmed`, `FilesCopied`,
 * `FilesDeleted`, `DriveReconciled`); which files there are, only the bucket says. A drive may have 10⁶ of them: they are small.
 */
export const driveEvents = {
  /** Room is held. `was`: what the path had then; an upload has landed when it has something else. */
  UploadReserved: z.object({
    drive: driveId, upload_id: z.string(), path, way: uploadWay, size: z.int().nullable(), content_type: z.string().nullable(), was: found.nullable(), by,
    guards_delete: z.boolean(), part_bytes: z.int().nullable(), expires_at: instant, at: instant,
  }),
  /** The store knows the upload in parts. */
  UploadBegun: z.object({ drive: driveId, upload_id: z.string(), store_upload_id: z.string(), at: instant }),
  /** Room is held for so many bytes in all. */
  UploadGrown: z.object({ drive: driveId, upload_id: z.string(), size: z.int(), at: instant }),
  /** The bytes came. `counts`: bytes that the path counts from now on; another figure than `size` when something else has landed since. */
  UploadConfirmed: z.object({ drive: driveId, upload_id: z.string(), path, size: z.int(), etag: z.string(), counts: z.int(), at: instant }),
  /** The bytes did not come; the room is free. */
  UploadReleased: z.object({ drive: driveId, upload_id: z.string(), path, reason: z.string(), at: instant }),
  /** A client that deletes the target after an upload that failed was refused: the next deletion must do nothing. */
  UploadRefused: z.object({ drive: driveId, path, by, code: z.string(), at: instant }),
  /** A deletion after a failed upload, which deleted nothing. */
  DeleteGuarded: z.object({ drive: driveId, path, by, at: instant }),
  DeletionRequested: z.object({ drive: driveId, operation_id: z.string(), path, scope: z.enum(['file', 'folder', 'drive']), by, at: instant }),
  /** Some of the files of a deletion or transfer are gone. */
  FilesDeleted: z.object({ drive: driveId, operation_id: z.string(), path, files: z.int(), bytes: z.int(), uploads, at: instant }),
  /** `exact`: each file was counted once; after a crash in the middle the drive must be compared with the bucket. */
  DeletionCompleted: z.object({ drive: driveId, operation_id: z.string(), path, scope: z.enum(['file', 'folder', 'drive']), files: z.int(), exact: z.boolean(), at: instant }),
  /** `held_bytes`: room for the copies. `folder`: all below the path; not only the object that has it. */
  TransferRequested: z.object({
    drive: driveId, operation_id: z.string(), kind: z.enum(['copy', 'move']), path, to: path, folder: z.boolean(), shallow: z.boolean(), replaces: z.boolean(),
    held_bytes: z.int(), by, at: instant,
  }),
  /** What was at the target is gone: from here on it holds copies. */
  TransferTargetCleared: z.object({ drive: driveId, operation_id: z.string(), path, at: instant }),
  /** Some of the files of a transfer have their copies. `bytes`: what the target counts more than before. */
  FilesCopied: z.object({
    drive: driveId, operation_id: z.string(), path, files: z.int(), bytes: z.int(), uploads: z.array(z.object({ upload_id: z.string(), counts: z.int() })), at: instant,
  }),
  /** Every copy is there: from here on the sources of a move go. */
  TransferCopied: z.object({ drive: driveId, operation_id: z.string(), path, at: instant }),
  /** `files`: how many were copied. */
  TransferCompleted: z.object({
    drive: driveId, operation_id: z.string(), kind: z.enum(['copy', 'move']), path, to: path, folder: z.boolean(), shallow: z.boolean(), created: z.boolean(),
    files: z.int(), exact: z.boolean(), at: instant,
  }),
  FolderMade: z.object({ drive: driveId, path, by, at: instant }),
  /** An object that came out of band was looked at. */
  FileRegistered: z.object({ drive: driveId, path, size: z.int(), etag: z.string(), by, at: instant }),
  /** The bucket was listed. `difference_bytes`: what the drive counts more from now on. */
  DriveReconciled: z.object({ drive: driveId, objects: z.int(), used_bytes: z.int(), difference_bytes: z.int(), at: instant }),
};
