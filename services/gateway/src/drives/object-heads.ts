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

export class ObjectHeads {
  readonly #kept = new Map<string, { info: ObjectInfo; until: number }>();
  /** Keys that somebody may be uploading to, past us, until then. */
  readonly #uploading = new Map<string, number>();
  readonly #looks = new Set<Look>();

  constructor(
    private readonly store: ObjectStore,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** `withType`: what a listing said is not enough. Null: no such object. */
  async head(key: string, { withType = false, fresh = false } = {}): Promise<ObjectInfo | null> {
    const kept = fresh ? undefined : this.#find(key);
    if (kept !== undefined && (!withType || kept.content_type !== undefined)) return kept;
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
