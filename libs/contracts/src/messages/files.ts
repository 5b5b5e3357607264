/**
 * What the files service is asked. Bytes never cross the bus: the gateway moves them between clients and the object store; this
 * service decides (quota, roles, locks), records, and does what takes many steps. Reads of objects need no message: the gateway
 * asks the store. Every command is checked against the role of `by` on the drive; null means an admin or kgpu itself.
 */
import { z } from 'zod';
import { driveId, driveQuota, orgRole, orgSlug } from '../drive.ts';
import { uploadWay } from '../events/drive.ts';
import { davLock } from '../events/lock.ts';
import { deadProperty } from '../events/properties.ts';
import { instant, userId } from '../shapes.ts';
import { define } from './message.ts';

const position = z.int();
const commandId = z.string().max(100);
/** A `DrivePath`'s path. */
const path = z.string().max(1_024);
const by = userId.nullable();
const page = { limit: z.int().min(1).max(500).default(50), cursor: z.string().max(200).nullable().default(null) };
/** Tokens that the request submits (WebDAV `If`): a locked path is changed only with its token. */
const lockTokens = z.array(z.string().max(200)).max(100).default([]);
const change = { command_id: commandId, drive: driveId, path, by, lock_tokens: lockTokens };
const uploadId = z.string().min(1).max(200);

/**
 * An upload under way. `way` says how the bytes come. `presigned`: the client puts them into the store itself. `streamed`: through the gateway. `parts`: the client
 * puts parts into the store itself, over days. `streamed_parts`: through the gateway, of a length that nobody knows.
 */
export const reservedUpload = z.object({
  upload_id: uploadId,
  drive: driveId,
  path,
  way: uploadWay,
  /** Null while nobody knows. */
  size: z.int().nullable(),
  content_type: z.string().nullable(),
  /** An object has the key now. */
  replaces: z.boolean(),
  /** The upload of the store that the parts go to. */
  store_upload_id: z.string().nullable(),
  part_bytes: z.int().nullable(),
  expires_at: instant,
});
export type ReservedUpload = z.infer<typeof reservedUpload>;

/**
 * Holds room for an upload. `create_only`, `if_match`: conditions on what has the key now. `guards_delete`: a client that deletes the
 * target after a PUT that failed (rclone); its next DELETE of the path within 5 s then deletes nothing.
 * Problems: `quota_exceeded`, `locked`, `precondition_failed`, `role_required`, `org_not_found`, `conflict` (a folder has the name).
 */
export const ReserveUpload = define('files', 'command', 'ReserveUpload',
  z.object({
    ...change, way: uploadWay, size: z.int().min(0).nullable(), content_type: z.string().max(255).nullable(),
    create_only: z.boolean().default(false), if_match: z.string().max(200).nullable().default(null), guards_delete: z.boolean().default(false),
    expires_seconds: z.int().min(1).max(604_800),
  }),
  z.object({ upload: reservedUpload, position }));

/** Room for `size` bytes in all, of an upload whose length nobody knows. `quota_exceeded` leaves it as it was. */
export const GrowUpload = define('files', 'command', 'GrowUpload',
  z.object({ command_id: commandId, drive: driveId, upload_id: uploadId, size: z.int().min(0) }), z.object({ position }));

/** The bytes are there. Without `etag` the service looks for itself (`file_not_found` when they are not). A repeat is answered as the first. */
export const ConfirmUpload = define('files', 'command', 'ConfirmUpload',
  z.object({ command_id: commandId, drive: driveId, upload_id: uploadId, size: z.int().min(0).nullable(), etag: z.string().nullable() }),
  z.object({ size: z.int(), etag: z.string(), position }));

/** The bytes won't come: the room is free again, and parts that came are gone. */
export const ReleaseUpload = define('files', 'command', 'ReleaseUpload',
  z.object({ command_id: commandId, drive: driveId, upload_id: uploadId, reason: z.string().max(200) }), z.object({ position }));

const uploadPart = z.object({
  part_number: z.int(), size: z.int(), etag: z.string().nullable().meta({ description: 'Null: not there yet' }), url: z.string(), headers: z.record(z.string(), z.string()), expires_in: z.int(),
});
/** An upload in parts of the user, with URLs of `count` parts from `from` on, or of fewer when they are long. `upload_not_found` */
export const GetUpload = define('files', 'query', 'GetUpload',
  z.object({ upload_id: uploadId, by: userId, from: z.int().min(1).max(10_000).default(1), count: z.int().min(0).max(1_000).default(100) }),
  z.object({ upload: reservedUpload, parts: z.array(uploadPart), part_count: z.int(), uploaded_bytes: z.int() }));
/** `invalid_request` names parts that are missing; the upload goes on then. */
export const CompleteUpload = define('files', 'command', 'CompleteUpload',
  z.object({ command_id: commandId, upload_id: uploadId, by: userId }), z.object({ drive: driveId, path, size: z.int(), etag: z.string(), position }));
export const AbortUpload = define('files', 'command', 'AbortUpload', z.object({ command_id: commandId, upload_id: uploadId, by: userId }), z.object({ position }));

/** Records an object that came out of band, and confirms uploads of it. `file_not_found` */
export const RegisterFile = define('files', 'command', 'RegisterFile',
  z.object({ command_id: commandId, drive: driveId, path, by }), z.object({ size: z.int(), etag: z.string(), registered_at: instant, position }));

/**
 * `file`: the object with exactly this key, or else everything below it; `folder`: everything below it, and its marker; `drive`: all.
 * Recorded first, so a crash or a caller that has gone stops nothing; the same command again waits on. `guarded`: nothing was
 * deleted, because of an upload that failed just before (`guards_delete`).
 */
export const DeleteFiles = define('files', 'command', 'DeleteFiles',
  z.object({ ...change, scope: z.enum(['file', 'folder', 'drive']), may_be_guarded: z.boolean().default(false) }),
  z.object({ deleted: z.int(), guarded: z.boolean(), position }));

/**
 * Copies or moves a file, or a folder with all that is below it (`shallow`: only the folder itself), within a drive.
 * Problems: `file_not_found`, `precondition_failed` (something is there and `overwrite` is false), `conflict` (the target's folder is
 * missing), `forbidden` (onto itself or below itself), `locked`, `quota_exceeded`.
 */
export const TransferFiles = define('files', 'command', 'TransferFiles',
  z.object({ ...change, to: path, kind: z.enum(['copy', 'move']), overwrite: z.boolean(), shallow: z.boolean().default(false) }),
  z.object({ created: z.boolean(), position }));

/** Problems: `file_exists`, `conflict` (its own folder is missing), `locked`. */
export const MakeFolder = define('files', 'command', 'MakeFolder', z.object(change), z.object({ position }));

/** Settles uploads that may have come meanwhile, so that the figures are of now. */
export const GetQuota = define('files', 'query', 'GetQuota', z.object({ drive: driveId }), driveQuota);

/** `quota_exceeded` when the path or the drive would keep more properties than fit. */
export const ChangeProperties = define('files', 'command', 'ChangeProperties',
  z.object({ ...change, set: z.array(deadProperty).max(1_000), remove: z.array(z.string().max(1_000)).max(1_000) }), z.object({ position }));
/** Of the path itself and, with depth 1, of what lies in it; only those that have some, in the order of their paths, after the path `after`. */
export const GetProperties = define('files', 'query', 'GetProperties',
  z.object({ drive: driveId, path, depth: z.literal([0, 1]), after: path.nullable().default(null) }),
  z.object({ found: z.array(z.object({ path, properties: z.array(deadProperty) })), more: z.boolean() }));

/**
 * Problems: `locked` (`locked_paths`: whose token is missing, or what holds a lock that this one can't live beside), `conflict` (the
 * folder is missing). `created`: nothing had the path, so an empty file was made (RFC 4918, 7.3).
 */
export const LockPath = define('files', 'command', 'LockPath',
  z.object({ ...change, by: userId, depth: z.enum(['0', 'infinity']), scope: z.enum(['exclusive', 'shared']), owner: z.string().max(4_096), timeout_seconds: z.int().min(1).max(86_400) }),
  z.object({ lock: davLock, created: z.boolean(), position }));
/** `precondition_failed` when no such lock covers the path. */
export const RefreshLock = define('files', 'command', 'RefreshLock',
  z.object({ command_id: commandId, drive: driveId, path, by: userId, token: z.string(), timeout_seconds: z.int().min(1).max(86_400) }), z.object({ lock: davLock, position }));
/** `conflict` when no such lock covers the path, `forbidden` when it is somebody else's. */
export const UnlockPath = define('files', 'command', 'UnlockPath',
  z.object({ command_id: commandId, drive: driveId, path, by: userId, token: z.string() }), z.object({ position }));
/** Locks that cover the path, and with depth 1 those of what lies in it. */
export const GetLocks = define('files', 'query', 'GetLocks', z.object({ drive: driveId, path, depth: z.literal([0, 1]) }), z.object({ locks: z.array(davLock) }));

export const org = z.object({ slug: orgSlug, name: z.string(), owner_user_id: userId, members: z.int(), created_at: instant }).meta({ id: 'Org' });
export type Org = z.infer<typeof org>;
export const orgMember = z.object({ user_id: userId, role: orgRole, since: instant }).meta({ id: 'OrgMember' });
/** `org_exists` */
export const CreateOrg = define('files', 'command', 'CreateOrg',
  z.object({ command_id: commandId, slug: orgSlug, name: z.string(), owner_user_id: userId }), z.object({ org, position }));
export const ListOrgs = define('files', 'query', 'ListOrgs', z.object(page), z.object({ orgs: z.array(org), next_cursor: z.string().nullable() }));
/** For members `by` must be an admin of the org (null: of kgpu): `org_not_found`, `role_required`; also `last_admin`, `member_not_found`. */
export const SetMember = define('files', 'command', 'SetMember',
  z.object({ command_id: commandId, slug: orgSlug, user_id: userId, role: orgRole, by }), z.object({ member: orgMember, position }));
export const RemoveMember = define('files', 'command', 'RemoveMember', z.object({ command_id: commandId, slug: orgSlug, user_id: userId, by }), z.object({ position }));
export const ListMembers = define('files', 'query', 'ListMembers',
  z.object({ slug: orgSlug, by, ...page }), z.object({ members: z.array(orgMember), next_cursor: z.string().nullable() }));

/** A comparison of drives with the bucket (null: all): begun, then read until `done`, as replays are. */
export const StartReconciliation = define('files', 'command', 'StartReconciliation',
  z.object({ command_id: commandId, drive: driveId.nullable() }), z.object({ reconciliation_id: z.string() }));
export const reconciliationLine = z.discriminatedUnion('line', [
  z.object({ line: z.literal('progress'), drive: driveId, objects: z.int(), bytes: z.int() }),
  z.object({ line: z.literal('drive'), drive: driveId, objects: z.int(), used_bytes: z.int(), was_used_bytes: z.int(), difference_bytes: z.int() }),
  z.object({ line: z.literal('report'), drives: z.int(), drives_that_differed: z.int(), elapsed_seconds: z.number() }),
  z.object({ line: z.literal('failed'), code: z.string(), detail: z.string() }),
]).meta({ id: 'ReconciliationLine' });
export type ReconciliationLine = z.infer<typeof reconciliationLine>;
/** Waits up to 5 s for new lines. */
export const ReadReconciliation = define('files', 'query', 'ReadReconciliation',
  z.object({ reconciliation_id: z.string() }), z.object({ lines: z.array(reconciliationLine), done: z.boolean() }));
export const CancelReconciliation = define('files', 'command', 'CancelReconciliation', z.object({ reconciliation_id: z.string() }), z.object({}));
