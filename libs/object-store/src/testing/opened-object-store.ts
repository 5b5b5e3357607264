import type { ObjectStore } from '../object-store.ts';
import { bodyOf } from './bytes.ts';

/** A store as an adapter's spec opens it. It may hold objects already: each case has a folder of its own. */
export interface OpenedObjectStore {
  store: ObjectStore;
  /**
   * Shortcomings that the suite bears with: pages go folder by folder, one may have an entry more than asked, and of a
   * part that was put twice within a second either may be listed.
   */
  isSeaweed?: boolean;
  close(): Promise<void>;
}

let folders = 0;
/** A prefix that no other case uses. */
export function freshFolder(): string {
  return `case-${process.pid}-${++folders}/`;
}

/** Stores text under a key; its etag. */
export async function putText(store: ObjectStore, key: string, text: string): Promise<string> {
  return (await store.put(key, bodyOf(text), Buffer.byteLength(text))).etag;
}
