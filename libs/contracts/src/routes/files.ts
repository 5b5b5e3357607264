import { z } from 'zod';
import { driveQuota, orgRole, orgSlug } from '../drive.ts';
import type { ProblemCode } from '../problem.ts';
import { instant } from '../shapes.ts';
import { page, queryInt } from './query.ts';
import { route, type OtherReply } from './route.ts';

export const storedFile = z.object({
  path: z.string(), size: z.int(), modified_at: instant, etag: z.string(),
  content_type: z.string().nullable().meta({ description: 'Null where listings of the object store do not tell' }),
}).meta({ id: 'StoredFile' });
export type StoredFile = z.infer<typeof storedFile>;

export const folderListing = z.object({
  path: z.string(), folders: z.array(z.string().meta({ description: 'Name, without a slash' })), files: z.array(storedFile), next_cursor: z.string().nullable(),
}).meta({ id: 'FolderListing' });
export const downloadUrl = z.object({ url: z.string(), size: z.int(), expires_in: z.int() }).meta({ id: 'DownloadUrl' });
const uploadUrl = z.object({ url: z.string(), method: z.literal('PUT'), headers: z.record(z.string(), z.string()), expires_in: z.int() }).meta({ id: 'UploadUrl' });
const begunUpload = z.object({ upload_id: z.string(), part_bytes: z.int(), expires_at: instant }).meta({ id: 'BegunUpload' });
const writtenFile = z.object({ path: z.string(), size: z.int(), etag: z.string() }).meta({ id: 'WrittenFile' });
const deleted = z.object({ deleted: z.int().meta({ description: 'Files that are gone' }) }).meta({ id: 'Deleted' });
const registered = z.object({ size: z.int(), etag: z.string(), registered_at: instant }).meta({ id: 'RegisteredFile' });

const path = z.string().meta({ description: 'Segments, each percent-encoded, with slashes between them; a slash at its end means the folder' });
/** Of the object store: as long as a key may make it. */
const cursor = z.string().min(1).max(4_096).optional().meta({ description: 'next_cursor of the page before' });
const yes = z.enum(['1', 'true', '0', 'false']).transform((text) => text === '1' || text === 'true');
const asJson = yes.prefault('0').meta({ description: '1: JSON, whatever `Accept` says' });
const files = { tag: 'Files: my drive', rentalToken: true } as const;
const shared = { tag: 'Files: shared drives', rentalToken: true } as const;
/** Mounts make thousands of requests a minute, most of them looks at what is there. */
const look = { weight: 0.05 } as const;
const change = { weight: 0.2 } as const;

const reading = ['invalid_path', 'file_not_found', 'org_not_found', 'precondition_failed', 'object_store_unavailable'] as const satisfies ProblemCode[];
const writing = ['invalid_path', 'forbidden', 'org_not_found', 'role_required', 'locked', 'object_store_unavailable'] as const satisfies ProblemCode[];
const uploading = [...writing, 'precondition_failed', 'quota_exceeded', 'payload_too_large', 'upload_not_found'] as const satisfies ProblemCode[];

const download = {
  summary: 'Download a file, or list a folder',
  description: '302 to a URL of the object store that holds for a while (`curl -L`); the bytes themselves for clients that do not follow. JSON: the URL. A path that ends in a slash lists the folder.',
  query: z.strictObject({
    json: asJson, limit: queryInt(1, 500).prefault('500').meta({ description: 'Of a folder as JSON: at most this many entries' }), cursor,
  }),
  replies: {
    200: { description: 'A folder, or with JSON the URL of a file, or its bytes', content: ['application/json', 'text/html', 'application/octet-stream'], json: z.union([downloadUrl, folderListing]) } as const satisfies OtherReply,
    206: { description: 'The range', content: ['application/octet-stream'] } as const satisfies OtherReply,
    301: { description: 'It is a folder: the same with a slash', content: [] } as const satisfies OtherReply,
    302: { description: 'To the object store', content: [] } as const satisfies OtherReply,
    304: { description: 'As you have it', content: [] } as const satisfies OtherReply,
  },
  problems: [...reading, 'range_not_satisfiable'],
} as const;
const look200 = { 200: { description: 'Size, type, ETag and time in headers', content: [] }, 301: download.replies[301], 304: download.replies[304] } as const;
const upload = {
  summary: 'Upload a file',
  description: '307 to a URL of the object store (`curl -L -T`; with `Expect: 100-continue` the bytes travel once); streamed for clients that do not follow, and without a length. `If-Match` and `If-None-Match: *` are respected.',
  takesBytes: true,
  replies: {
    201: { description: 'It is new', content: [] } as const satisfies OtherReply, 204: { description: 'It replaced another', content: [] } as const satisfies OtherReply,
    307: { description: 'To the object store', content: [] } as const satisfies OtherReply,
  },
  problems: uploading,
} as const;
const fields = z.object({
  'x-content-length': queryInt(0, 5_497_558_138_880).optional().meta({ description: 'Size of the file; needed for my drive and for multipart' }),
  'x-content-type': z.string().max(255).regex(/^[\x20-\x7e]+$/, 'must be printable ASCII').optional().meta({ description: 'Its type; then to be sent with the PUT, too' }),
});
const mint = {
  summary: 'A URL to upload to, or an upload',
  description: 'Without a body: a URL of the object store that takes one PUT of exactly the announced size. With `multipart=1`: an upload in parts that resumes, see `/v1/uploads`. With a body: an upload, streamed.',
  takesBytes: true, idempotent: true, fields,
  query: z.strictObject({ multipart: yes.prefault('0').meta({ description: '1: an upload in parts, also over 5 GiB' }) }),
  replies: { 200: z.union([uploadUrl, writtenFile]), 201: z.union([writtenFile, begunUpload]) },
  problems: uploading,
} as const;
const removal = {
  summary: 'Delete a file, or everything below a folder',
  description: 'One file; with a slash at the end, or when no file has exactly this path, everything below it. The whole drive only with `confirm=all`.',
  query: z.strictObject({ confirm: z.literal('all').optional().meta({ description: '`all`: yes, the whole drive' }) }),
  replies: { 200: deleted }, problems: [...writing, 'file_not_found'],
} as const;

const fileParams = z.object({ path });
const keyParams = z.object({ org: orgSlug, key: path });
const uploadParams = z.object({ upload_id: z.string().min(1).max(200).regex(/^[\w.~-]+$/) });
const uploadProblems = ['upload_not_found', 'object_store_unavailable'] as const satisfies ProblemCode[];

export const fileRoutes = {
  listFiles: route('GET /v1/files', {
    ...files, summary: 'Your files, flat, and your quota',
    query: z.strictObject({
      prefix: z.string().max(1_024).optional().meta({ description: 'Only paths that begin with it' }),
      glob: z.string().min(1).max(256).optional().meta({ description: 'Only paths that it matches: `*`, `?`, `[a-z]`, `[!a-z]`; `*` crosses slashes' }), limit: page.limit, cursor,
    }),
    replies: { 200: z.object({ files: z.array(storedFile), quota: driveQuota, next_cursor: z.string().nullable() }).meta({ id: 'FilePage' }) },
    problems: ['object_store_unavailable', 'invalid_path'],
  }),
  getFile: route('GET /v1/files/{path}', { ...files, ...look, ...download, rest: 'path', params: fileParams }),
  headFile: route('HEAD /v1/files/{path}', { ...files, ...look, rest: 'path', params: fileParams, summary: 'What is known of a file', replies: look200, problems: reading }),
  putFile: route('PUT /v1/files/{path}', { ...files, ...change, ...upload, rest: 'path', params: fileParams }),
  postFile: route('POST /v1/files/{path}', { ...files, ...change, ...mint, rest: 'path', params: fileParams }),
  deleteFiles: route('DELETE /v1/files/{path}', { ...files, ...change, ...removal, rest: 'path', params: fileParams }),
  getUpload: route('GET /v1/uploads/{upload_id}', {
    ...files, rentalToken: false, summary: 'An upload in parts: which are there, and URLs for the others',
    params: uploadParams, problems: uploadProblems,
    query: z.strictObject({ from: queryInt(1, 10_000).prefault('1'), count: queryInt(0, 1_000).prefault('100') }),
    replies: {
      200: z.object({
        upload_id: z.string(), drive: z.string(), path: z.string(), size: z.int(), part_bytes: z.int(), part_count: z.int(), uploaded_bytes: z.int(), expires_at: instant,
        parts: z.array(z.object({ part_number: z.int(), size: z.int(), etag: z.string().nullable().meta({ description: 'Null: not there yet' }), url: z.string(), method: z.literal('PUT'), headers: z.record(z.string(), z.string()), expires_in: z.int() })),
      }).meta({ id: 'UploadInParts' }),
    },
  }),
  completeUpload: route('POST /v1/uploads/{upload_id}/complete', {
    ...files, rentalToken: false, idempotent: true, summary: 'Make a file of the parts', params: uploadParams, replies: { 200: writtenFile },
    problems: [...uploadProblems, 'quota_exceeded', 'locked', 'precondition_failed', 'role_required', 'org_not_found'],
  }),
  abortUpload: route('DELETE /v1/uploads/{upload_id}', {
    ...files, rentalToken: false, summary: 'Give an upload up: its parts are gone, its room in the quota is free', params: uploadParams,
    replies: { 200: z.object({ upload_id: z.string(), aborted: z.literal(true) }).meta({ id: 'AbortedUpload' }) }, problems: uploadProblems,
  }),
  listSharedDrives: route('GET /v1/shared/', {
    ...shared, ...look, summary: 'The orgs that you belong to', query: z.strictObject({ json: asJson }),
    replies: { 200: { description: 'By `Accept`', content: ['text/html', 'application/json'], json: z.object({ orgs: z.array(z.object({ slug: orgSlug, name: z.string(), role: orgRole })) }).meta({ id: 'SharedDrives' }) } },
  }),
  headSharedDrives: route('HEAD /v1/shared/', { ...shared, ...look, summary: 'That there is a list of your orgs', replies: { 200: { description: 'Headers only', content: [] }, 301: download.replies[301] } }),
  getShared: route('GET /v1/shared/{org}/{key}', { ...shared, ...look, ...download, rest: 'key', params: keyParams }),
  headShared: route('HEAD /v1/shared/{org}/{key}', { ...shared, ...look, rest: 'key', params: keyParams, summary: 'What is known of a file', replies: look200, problems: reading }),
  putShared: route('PUT /v1/shared/{org}/{key}', { ...shared, ...change, ...upload, rest: 'key', params: keyParams }),
  postShared: route('POST /v1/shared/{org}/{key}', { ...shared, ...change, ...mint, rest: 'key', params: keyParams }),
  deleteShared: route('DELETE /v1/shared/{org}/{key}', { ...shared, ...change, ...removal, rest: 'key', params: keyParams }),
  registerShared: route('POST /v1/shared/{org}/{key}/registered', {
    ...shared, ...change, rest: 'key', params: keyParams, idempotent: true, summary: 'Record an upload that was made with a URL',
    replies: { 200: registered }, problems: [...writing, 'file_not_found'],
  }),
};
