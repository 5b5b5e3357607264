/**
 * What was seen of objects a moment ago. A mount that lists a folder asks for each of its files right afterwards; without this
 * every one would be a call to the store. What changes through kgpu is forgotten at once; what comes past it is seen when the time is over.
 */
import type { ObjectInfo, ObjectStore } from '@kgpu/object-store';

/** Keys and what begins with prefixes that changed while the store was being asked. */
interface Look {
  keys: Set<string>;
  prefixes: string[];
}

const TTL_MS = 30_000;
const MAX_KEPT = 100_000;
const MAX_UPLOADING = 100_000;
/** A folder of at least so many files, of which so many were asked for just now, is being gone through file by file. */
const MANY_FILES = 100;
const MANY_ASKED = 50;
const JUST_NOW_MS = 5_000;
const MAX_FOLDERS = 1_000;
const MAX_PAGES = 100;

/** A folder that was listed. */
interface Listed {
  files: number;
  /** Since then. */
  asked: number;
  lastAskedMs: number;
  again: Promise<void> | null;
}

export class ObjectHeads {
  readonly #kept = new Map<string, { info: ObjectInfo; until: number }>();
  /** Keys that somebody may be uploading to, past us, until then. */
  readonly #uploading = new Map<string, number>();
  readonly #looks = new Set<Look>();
  readonly #listed = new Map<string, Listed>();

  constructor(
    private readonly store: ObjectStore,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** `withType`: what a listing said is not enough. Null: no such object. */
  async head(key: string, { withType = false, fresh = false } = {}): Promise<ObjectInfo | null> {
    const kept = fresh ? undefined : this.#find(key);
    if (kept !== undefined && (!withType || kept.content_type !== undefined)) return this.#asked(key, kept);
    if (!fresh && (await this.#listAgain(key))) {
      const found = this.#find(key);
      if (found !== undefined && (!withType || found.content_type !== undefined)) return this.#asked(key, found);
    }
    return this.reading(() => this.store.head(key), (info) => (info === null ? [] : [info]));
  }

  /** Asks the store, and keeps what it says of objects that did not change meanwhile. */
  async reading<T>(ask: () => Promise<T>, seen: (answer: T) => readonly ObjectInfo[]): Promise<T> {
    const look: Look = { keys: new Set(), prefixes: [] };
    this.#looks.add(look);
    try {
      const answer = await ask();
      for (const info of seen(answer)) if (!look.keys.has(info.key) && !look.prefixes.some((prefix) => info.key.startsWith(prefix))) this.#keep(info);
      return answer;
    } finally {
      this.#looks.delete(look);
    }
  }

  /** A page of a folder was seen; `prefix` ends in a slash. */
  listed(prefix: string, files: number, isFirst: boolean): void {
    const known = this.#listed.get(prefix);
    this.#listed.delete(prefix);
    this.#listed.set(prefix, { files: files + (isFirst ? 0 : (known?.files ?? 0)), asked: 0, lastAskedMs: 0, again: known?.again ?? null });
    if (this.#listed.size > MAX_FOLDERS) this.#listed.delete(this.#listed.keys().next().value!);
  }

  forget(key: string): void {
    this.#kept.delete(key);
    for (const { keys } of this.#looks) keys.add(key);
  }

  forgetBelow(prefix: string): void {
    for (const key of this.#kept.keys()) if (key.startsWith(prefix)) this.#kept.delete(key);
    for (const { prefixes } of this.#looks) prefixes.push(prefix);
  }

  /** Somebody has a URL to upload to the key, for so long: nothing that is seen of it can be kept. */
  uploading(key: string, forMs: number): void {
    this.forget(key);
    this.#uploading.delete(key);
    this.#uploading.set(key, this.now() + forMs);
    if (this.#uploading.size > MAX_UPLOADING) this.#uploading.delete(this.#uploading.keys().next().value!);
  }

  #asked(key: string, info: ObjectInfo): ObjectInfo {
    const folder = this.#listed.get(folderOf(key));
    if (folder !== undefined) {
      folder.asked++;
      folder.lastAskedMs = this.now();
    }
    return info;
  }

  /**
   * Who goes through a folder of thousands may take longer than what was seen of it is kept: then one more listing, for all who
   * ask, costs less than a look at each file that is left. False: that is not what is going on.
   */
  async #listAgain(key: string): Promise<boolean> {
    const prefix = folderOf(key);
    const folder = this.#listed.get(prefix);
    if (folder === undefined) return false;
    const goesThrough = folder.files >= MANY_FILES && folder.asked >= MANY_ASKED && this.now() - folder.lastAskedMs < JUST_NOW_MS;
    if (folder.again === null && !goesThrough) return false;
    folder.again ??= this.#list(prefix).finally(() => {
      for (const listed of [folder, this.#listed.get(prefix)]) if (listed !== undefined) listed.again = null;
    });
    await folder.again;
    return true;
  }

  async #list(prefix: string): Promise<void> {
    let cursor: string | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      const { objects, next_cursor } = await this.reading(() => this.store.list({ prefix, delimiter: '/', cursor }), ({ objects: seen }) => seen);
      this.listed(prefix, objects.length, page === 0);
      if (next_cursor === null) return;
      cursor = next_cursor;
    }
  }

  #find(key: string): ObjectInfo | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined || kept.until > this.now()) return kept?.info;
    this.#kept.delete(key);
    return undefined;
  }

  #keep(info: ObjectInfo): void {
    if ((this.#uploading.get(info.key) ?? 0) > this.now()) return;
    const known = this.#find(info.key);
    // A listing knows less than a look at the object itself.
    const content_type = info.content_type ?? (known?.etag === info.etag ? known.content_type : undefined);
    this.#kept.delete(info.key);
    this.#kept.set(info.key, { info: { ...info, ...(content_type !== undefined && { content_type }) }, until: this.now() + TTL_MS });
    if (this.#kept.size > MAX_KEPT) this.#kept.delete(this.#kept.keys().next().value!);
  }
}

function folderOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/') + 1);
}
