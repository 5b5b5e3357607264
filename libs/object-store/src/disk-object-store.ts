import { Problem } from '@kgpu/contracts';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { resolveRange } from './byte-range.ts';
import { Deadline, withDeadline } from './deadline.ts';
import { DiskIndex } from './disk/disk-index.ts';
import type { IndexedObject } from './disk/disk-index.ts';
import { toInfo } from './disk/disk-info.ts';
import { asDiskProblem } from './disk/disk-problem.ts';
import { DiskUploads } from './disk/disk-uploads.ts';
import { listPage } from './disk/list-page.ts';
import { ObjectFiles } from './disk/object-files.ts';
import type { WrittenFile } from './disk/object-files.ts';
import { openPieces } from './disk/read-pieces.ts';
import { UrlSigner } from './disk/signed-url.ts';
import type { Verified } from './disk/signed-url.ts';
import { deliveredBody, exactBody } from './exact-body.ts';
import { checkListing, checkPutSize, defaultContentType } from './limits.ts';
import { checkKey } from './object-key.ts';
import type {
  CallOptions, GetOptions, ListOptions, ListPage, ObjectContent, ObjectInfo, ObjectStore, PresignedPut, PresignGetOptions, PresignPutOptions, PutOptions, StoredObject,
} from './object-store.ts';

export interface DiskObjectStoreOptions {
  /** Made when it isn't there. Several processes of one machine may use it at once. */
  folder: string;
  /** Where `handleObjectRequest` is served, e.g. `http://localhost:8080`; a function when it isn't known yet. */
  baseUrl: string | (() => string);
  /** Signs URLs: the same for every process, never shown. 32 characters or more. */
  secret: string;
}

const sweepEveryMs = 3_600_000;
/** Longer than any writer keeps a file that the index doesn't know. */
const leftoverAgeMs = 24 * 3_600_000;

/**
 * Objects in a folder, with the promises of an S3 server. A put writes a file of its own, makes it durable, and takes
 * effect with one transaction of the index: kill -9 or a power cut at any point leaves the old object or the new one.
 * Signed URLs are the gateway's own.
 */
export class DiskObjectStore implements ObjectStore {
  readonly uploads: DiskUploads;
  readonly #folder: string;
  readonly #files: ObjectFiles;
  readonly #index: DiskIndex;
  readonly #signer: UrlSigner;
  readonly #sweeper: NodeJS.Timeout;

  private constructor({ folder, baseUrl, secret }: DiskObjectStoreOptions) {
    if (secret.length < 32) throw new Error('the secret of the object store is too short');
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#files = new ObjectFiles(join(folder, 'objects'));
    this.#index = openIndex(join(folder, 'index.db'), this.#files);
    this.#signer = new UrlSigner(secret, typeof baseUrl === 'string' ? () => baseUrl : baseUrl);
    this.uploads = new DiskUploads(this.#index, this.#files, this.#signer);
    this.#sweeper = setInterval(() => void this.sweep(Date.now() - leftoverAgeMs).catch(() => {}), sweepEveryMs).unref();
  }

  /** Rejects with what is wrong with the folder. A lost or damaged index is made again from the notes beside the objects. */
  static async open(options: DiskObjectStoreOptions): Promise<DiskObjectStore> {
    const store = new DiskObjectStore(options);
    void store.sweep(Date.now() - leftoverAgeMs).catch(() => {});
    return store;
  }

  async put(key: string, body: AsyncIterable<Uint8Array>, size: number, options: PutOptions = {}): Promise<StoredObject> {
    checkKey(key);
    checkPutSize(size);
    return this.#call(options, async (deadline) => {
      this.#checkFree(key, options);
      const id = this.#files.newId();
      const name = `${id}-0`;
      const { md5 } = await this.#write(name, exactBody(body, size, deadline));
      return this.#become({
        key, object_id: id, size, etag: md5, content_type: options.contentType ?? defaultContentType, modified_ms: Date.now(), pieces: [[name, size]],
      }, deadline, options);
    });
  }

  async get(key: string, options: GetOptions = {}): Promise<ObjectContent | null> {
    checkKey(key);
    for (let attempt = 1; ; attempt++) {
      try {
        return await asDiskProblem(this.#getNow(key, options));
      } catch (error) {
        // Another process replaced the object between our look into the index and the file.
        if (!isMissingFile(error) || attempt === 3) throw error;
      }
    }
  }

  async head(key: string, options?: CallOptions): Promise<(ObjectInfo & { content_type: string }) | null> {
    checkKey(key);
    const object = await this.#call(options, async () => this.#index.find(key));
    return object === null ? null : toInfo(object);
  }

  async list(options: ListOptions = {}): Promise<ListPage> {
    checkListing(options);
    return this.#call(options, async () => listPage(this.#index, options));
  }

  /** Takes the same time for any size: the copy shares the bytes, which never change. */
  async copy(from: string, to: string, options?: CallOptions): Promise<StoredObject | null> {
    checkKey(from);
    checkKey(to);
    return this.#call(options, async (deadline) => {
      const source = this.#index.find(from);
      if (source === null || from === to) return source === null ? null : { etag: source.etag };
      const release = this.#files.hold(source);
      const id = this.#files.newId();
      try {
        const pieces = await this.#files.linkAll(source.pieces, id);
        return await this.#become({ ...source, key: to, object_id: id, modified_ms: Date.now(), pieces }, deadline);
      } finally {
        release();
      }
    });
  }

  async deleteMany(keys: readonly string[], options?: CallOptions): Promise<void> {
    keys.forEach(checkKey);
    await this.#call(options, async () => {
      for (let from = 0; from < keys.length; from += 1_000) await this.#deleteSome(keys.slice(from, from + 1_000));
    });
  }

  presignGet(key: string, options: PresignGetOptions): string {
    checkKey(key);
    const { contentDisposition } = options;
    return this.#signer.sign('GET', key, contentDisposition === undefined ? {} : { content_disposition: contentDisposition }, options);
  }

  presignPut(key: string, options: PresignPutOptions): PresignedPut {
    checkKey(key);
    const { size, contentType, createOnly = false, expiresSeconds } = options;
    if (size !== undefined) checkPutSize(size);
    const url = this.#signer.sign('PUT', key, {
      ...(size !== undefined && { length: String(size) }), ...(contentType !== undefined && { content_type: contentType }), ...(createOnly && { create_only: '1' }),
    }, options);
    const headers = { ...(size !== undefined && { 'Content-Length': String(size) }), ...(contentType !== undefined && { 'Content-Type': contentType }), ...(createOnly && { 'If-None-Match': '*' }) };
    return { url, method: 'PUT', headers, expires_in: expiresSeconds };
  }

  /** What a request to one of our URLs may do. `query` is used up. */
  verify(method: string, key: string, query: URLSearchParams, now: number): Verified {
    return this.#signer.verify(method, key, query, now);
  }

  async check(options?: CallOptions): Promise<void> {
    await this.#call(options, async () => {
      this.#index.find('');
      await access(this.#folder, constants.W_OK);
    });
  }

  /** Removes what killed writers left, older than this time; how many files that were. Runs by itself. */
  sweep(beforeMs: number): Promise<number> {
    return this.#files.sweep((start) => this.#index.filesOf(start), beforeMs);
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    this.#index.close();
  }

  async #getNow(key: string, options: GetOptions): Promise<ObjectContent | null> {
    const object = this.#index.find(key);
    if (object === null) return null;
    if (options.ifMatch !== undefined && options.ifMatch !== object.etag) throw new Problem('precondition_failed', 'The object has another etag');
    const range = options.range === undefined ? null : resolveRange(options.range, object.size);
    const { first, last } = range ?? { first: 0, last: object.size - 1 };
    const release = this.#files.hold(object);
    const deadline = new Deadline(options);
    try {
      const pieces = await deadline.race(openPieces(this.#files, object.pieces, first, last));
      const body = deliveredBody(pieces.chunks, last - first + 1, deadline, () => {
        pieces.close();
        release();
      });
      return { ...toInfo(object), range, body };
    } catch (error) {
      deadline.end();
      release();
      throw error;
    }
  }

  async #write(name: string, body: AsyncIterable<Uint8Array>): Promise<WrittenFile> {
    try {
      return await this.#files.write(name, body);
    } catch (error) {
      await this.#files.removeNames([name]);
      throw error;
    }
  }

  /** The moment at which an object whose files are written becomes the one with its key. */
  async #become(object: IndexedObject, deadline: Deadline, options?: PutOptions): Promise<StoredObject> {
    try {
      await this.#files.writeNote(object);
      const replaced = await this.#index.change(() => {
        deadline.signal.throwIfAborted();
        this.#checkFree(object.key, options);
        const old = this.#index.find(object.key);
        this.#index.put(object);
        return old;
      });
      if (replaced !== null) await this.#files.remove(replaced);
      return { etag: object.etag };
    } catch (error) {
      // When the transaction itself failed nobody knows how it ended: the sweep will.
      if (!isFromSqlite(error)) await this.#files.remove(object);
      throw error;
    }
  }

  #checkFree(key: string, { createOnly = false }: PutOptions = {}): void {
    if (createOnly && this.#index.find(key) !== null) throw new Problem('precondition_failed', 'An object with this key exists');
  }

  async #deleteSome(keys: readonly string[]): Promise<void> {
    const removed = await this.#index.change(() => keys.flatMap((key) => {
      const object = this.#index.find(key);
      this.#index.delete(key);
      return object ?? [];
    }));
    await Promise.all(removed.map((object) => this.#files.remove(object)));
  }

  #call<T>(options: CallOptions | undefined, work: (deadline: Deadline) => Promise<T>): Promise<T> {
    return withDeadline(options, (deadline) => asDiskProblem(work(deadline)));
  }
}

function openIndex(file: string, files: ObjectFiles): DiskIndex {
  const open = (): DiskIndex => new DiskIndex(file, () => files.readNotes());
  try {
    return open();
  } catch (error) {
    if (!isDamaged(error)) throw error;
    renameSync(file, `${file}.damaged`);
    for (const ending of ['-wal', '-shm']) rmSync(`${file}${ending}`, { force: true });
    return open();
  }
}

/** SQLITE_CORRUPT and SQLITE_NOTADB. */
function isDamaged(error: unknown): boolean {
  return isFromSqlite(error) && [11, 26].includes(error.errcode & 0xff);
}

function isFromSqlite(error: unknown): error is { errcode: number } {
  return typeof error === 'object' && error !== null && 'errcode' in error;
}

function isMissingFile(error: unknown): boolean {
  const cause = error instanceof Problem ? error.cause : null;
  return typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === 'ENOENT';
}
