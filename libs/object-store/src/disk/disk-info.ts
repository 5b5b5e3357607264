import type { ObjectInfo } from '../object-store.ts';
import type { IndexedObject } from './disk-index.ts';

export function toInfo({ key, size, modified_ms, etag, content_type }: IndexedObject): ObjectInfo & { content_type: string } {
  return { key, size, modified_at: wholeSeconds(modified_ms), etag, content_type };
}

/** RFC 3339 without a fraction. */
export function wholeSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
