/**
 * Drives, as every part of kgpu names them. Two kinds: a user's own, and one for each org. A drive's files are the objects below its
 * prefix in the bucket, so a path of a drive is the rest of an object's key.
 */
import { z } from 'zod';
import { Problem } from './problem.ts';

/** A DNS label in lower case. */
export const orgSlug = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'must be a DNS label in lower case');
export const orgRole = z.enum(['admin', 'uploader', 'member']);
export type OrgRole = z.infer<typeof orgRole>;

/** `user-7`, `org-vitallab`. */
export const driveId = z.string().regex(/^(user-[1-9]\d{0,9}|org-[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)$/);
export type DriveId = z.infer<typeof driveId>;

export function driveOfUser(userId: number): DriveId {
  return `user-${userId}`;
}

export function driveOfOrg(slug: string): DriveId {
  return `org-${slug}`;
}

/** Who a drive belongs to. */
export function ownerOf(drive: DriveId): { userId: number } | { slug: string } {
  return drive.startsWith('user-') ? { userId: Number(drive.slice('user-'.length)) } : { slug: drive.slice('org-'.length) };
}

/** Ends in `/`, so that `users/1/` is no beginning of `users/12/`. */
export function drivePrefix(drive: DriveId): string {
  const owner = ownerOf(drive);
  return 'userId' in owner ? `users/${owner.userId}/` : `orgs/${owner.slug}/`;
}

/** The object's key of a path; `''` is the drive itself: its prefix. */
export function objectKey(drive: DriveId, path: string): string {
  return drivePrefix(drive) + path;
}

/** A path of a drive: decoded, NFC, without a slash at its beginning or end. `''` is the drive itself. */
export interface DrivePath {
  path: string;
  /** It was written with a slash at its end (or is the drive itself): a folder is meant. */
  isFolder: boolean;
}

const MAX_KEY_BYTES = 1_024;
const MAX_SEGMENT_BYTES = 255;
/** Control characters; a backslash (a separator on other systems); line separators. */
const neverInPaths = /[\p{Cc}\\\u2028\u2029]/u;

/**
 * Reads the path as it stands in a request (percent-encoded, without the query and without the slash that it begins with). It is
 * split before it is decoded, so that nothing encoded can become a separator.
 * @throws Problem `invalid_path`
 */
export function parseDrivePath(drive: DriveId, raw: string): DrivePath {
  const parts = raw.split('/');
  const isFolder = parts.at(-1) === '';
  if (isFolder) parts.pop();
  const path = parts.map(decodeSegment).join('/');
  // A folder's marker has one byte more.
  if (Buffer.byteLength(objectKey(drive, path)) + (isFolder ? 1 : 0) > MAX_KEY_BYTES) throw invalid(`The path is longer than ${MAX_KEY_BYTES} bytes.`);
  return { path, isFolder };
}

function decodeSegment(raw: string): string {
  const segment = decoded(raw).normalize('NFC');
  if (segment === '' || segment === '.' || segment === '..') throw invalid('A segment of the path is empty, . or ..');
  if (segment.includes('/') || neverInPaths.test(segment)) throw invalid('A segment of the path holds a slash, a backslash or a control character.');
  if (Buffer.byteLength(segment) > MAX_SEGMENT_BYTES) throw invalid(`A segment of the path is longer than ${MAX_SEGMENT_BYTES} bytes.`);
  return segment;
}

function decoded(raw: string): string {
  try {
    const text = decodeURIComponent(raw);
    if (text.isWellFormed()) return text;
  } catch {
    // Told below.
  }
  throw invalid('The path is not percent-encoded UTF-8.');
}

function invalid(why: string): Problem {
  return new Problem('invalid_path', why);
}

/** Most names need nothing; a listing asks for thousands. */
const plain = /^[\w.~/-]*$/;

/** Where a path lies in a URL: every segment encoded, the slashes kept. */
export function encodeDrivePath(path: string): string {
  if (plain.test(path)) return path;
  return path.split('/').map(encodeStrictly).join('/');
}

/** Percent-encodes all but the unreserved characters of RFC 3986, as signatures want it. */
export function encodeStrictly(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The folder that a path lies in; null for the drive itself. */
export function parentOf(path: string): string | null {
  return path === '' ? null : path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** Bytes of a drive. `reserved_bytes`: uploads under way, held free for them. */
export const driveQuota = z.object({ used_bytes: z.int(), quota_bytes: z.int(), reserved_bytes: z.int() }).meta({ id: 'DriveQuota' });
export type DriveQuota = z.infer<typeof driveQuota>;
