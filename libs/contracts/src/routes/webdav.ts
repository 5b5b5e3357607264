import type { ProblemCode } from '../problem.ts';
import { z } from 'zod';
import { route, type OtherReply } from './route.ts';

const path = z.string().meta({ description: 'Segments, each percent-encoded, with slashes between them; a slash at its end means the folder' });
const common = { tag: 'Files: WebDAV', rentalToken: true, rest: 'path', params: z.object({ path }), takesBytes: true } as const;
const look = { weight: 0.05 } as const;
const change = { weight: 0.2 } as const;
const xml = { content: ['application/xml'] } as const;
const empty = { content: [] } as const;
const multistatus = { ...xml, description: 'Status by resource and property' } as const satisfies OtherReply;

const reading = ['invalid_path', 'file_not_found', 'org_not_found', 'object_store_unavailable'] as const satisfies ProblemCode[];
const writing = [
  'invalid_path', 'invalid_header', 'forbidden', 'org_not_found', 'role_required', 'locked', 'conflict', 'precondition_failed', 'request_timeout', 'object_store_unavailable',
] as const satisfies ProblemCode[];
const xmlBody = ['invalid_xml', 'invalid_header', 'payload_too_large', 'request_timeout'] as const satisfies ProblemCode[];
const transferring = [...writing, 'file_not_found', 'bad_destination', 'quota_exceeded', 'service_timeout'] as const satisfies ProblemCode[];
const transferred = { 201: { ...empty, description: 'Nothing was there' }, 204: { ...empty, description: 'It replaced what was there' }, 207: multistatus } as const;

/** Methods that OpenAPI has no word for: WebDAV, classes 1 and 2 (RFC 4918). Below `shared/` the orgs' drives can be read. */
export const webdavRoutes = {
  davOptions: route('OPTIONS /v1/files/{path}', { ...common, ...look, summary: 'What can be done with the path', replies: { 200: { ...empty, description: '`Allow`, `DAV: 1, 2`' } }, problems: reading }),
  davPropfind: route('PROPFIND /v1/files/{path}', {
    ...common, ...look, summary: 'Properties of a file or folder and, with `Depth: 1`, of what lies in it', replies: { 207: multistatus }, problems: [...reading, ...xmlBody],
  }),
  davProppatch: route('PROPPATCH /v1/files/{path}', {
    ...common, ...change, summary: 'Keep properties of your own on a file or folder', replies: { 207: multistatus }, problems: [...writing, ...xmlBody, 'file_not_found'],
  }),
  davMkcol: route('MKCOL /v1/files/{path}', {
    ...common, ...change, summary: 'Make a folder', replies: { 201: { ...empty, description: 'It is made' } }, problems: [...writing, 'file_exists', 'unsupported_media_type'],
  }),
  davCopy: route('COPY /v1/files/{path}', {
    ...common, ...change, summary: 'Copy a file, or a folder with all in it, to `Destination`', description: '`Overwrite: F` keeps what is there (412); `Depth: 0` copies a folder without what is in it',
    replies: transferred, problems: transferring,
  }),
  davMove: route('MOVE /v1/files/{path}', {
    ...common, ...change, summary: 'Move a file, or a folder with all in it, to `Destination`', description: '`Overwrite: F` keeps what is there (412)', replies: transferred, problems: transferring,
  }),
  davLock: route('LOCK /v1/files/{path}', {
    ...common, ...change, summary: 'Lock a path for writing, exclusively or shared, or refresh a lock', description: 'Where nothing is, an empty file is made. Without a body the lock whose token is in `If` is refreshed',
    replies: { 200: { ...xml, description: 'Locked; the token is in `Lock-Token`' }, 201: { ...xml, description: 'Locked, and an empty file made' }, 207: multistatus }, problems: [...writing, ...xmlBody],
  }),
  davUnlock: route('UNLOCK /v1/files/{path}', {
    ...common, ...change, summary: 'Give the lock in `Lock-Token` back', replies: { 204: { ...empty, description: 'It is given back' } }, problems: writing,
  }),
};
