import { Problem } from '@kgpu/contracts';
import { createHash, randomBytes } from 'node:crypto';
import { withDeadline } from '../deadline.ts';
import { exactBody } from '../exact-body.ts';
import { checkPartNumber, checkPutSize, defaultContentType, minPartBytes } from '../limits.ts';
import { checkKey } from '../object-key.ts';
import type { Deadline } from '../deadline.ts';
import type { BegunUpload, CallOptions, Part, PresignedPut, PresignPartOptions, StoredObject, StoredPart, Upload, Uploads } from '../object-store.ts';
import type { DiskIndex, IndexedObject, IndexedPart, IndexedUpload } from './disk-index.ts';
import { wholeSeconds } from './disk-info.ts';
import { asDiskProblem } from './disk-problem.ts';
import type { ObjectFiles } from './object-files.ts';
import type { UrlSigner } from './signed-url.ts';

/** Parts are files from the start; completing an upload only says that they are an object now, whatever their size. */
export class DiskUploads implements Uploads {
  readonly #index: DiskIndex;
  readonly #files: ObjectFiles;
  readonly #signer: UrlSigner;

  constructor(index: DiskIndex, files: ObjectFiles, signer: UrlSigner) {
    this.#index = index;
    this.#files = files;
    this.#signer = signer;
  }

  async begin(key: string, options: { contentType?: string | undefined } & CallOptions = {}): Promise<Upload> {
    checkKey(key);
    const upload = { key, upload_id: this.#files.newId() };
    await call(options, () => this.#index.change(() => {
      this.#index.putUpload({ ...upload, content_type: options.contentType ?? defaultContentType, begun_ms: Date.now() });
    }));
    return upload;
  }

  async putPart(upload: Upload, partNumber: number, body: AsyncIterable<Uint8Array>, size: number, options?: CallOptions): Promise<Part> {
    checkPartNumber(partNumber);
    checkPutSize(size);
    return call(options, async (deadline) => {
      this.#find(upload);
      const name = `${upload.upload_id}-${partNumber}-${randomBytes(6).toString('hex')}`;
      try {
        const { md5 } = await this.#files.write(name, exactBody(body, size, deadline));
        await this.#files.syncFolderOf(name);
        await this.#keepPart(upload, { part_number: partNumber, name, size, etag: md5 }, deadline);
        return { part_number: partNumber, etag: md5 };
      } catch (error) {
        await this.#files.removeNames([name]);
        throw error;
      }
    });
  }

  async listParts(upload: Upload, options?: CallOptions): Promise<StoredPart[]> {
    return call(options, async () => {
      this.#find(upload);
      return this.#index.parts(upload.upload_id).map(({ part_number, etag, size }) => ({ part_number, etag, size }));
    });
  }

  async complete(upload: Upload, parts: readonly Part[], options?: CallOptions): Promise<StoredObject> {
    return call(options, async (deadline) => {
      const object = this.#assemble(this.#find(upload), parts);
      try {
        await this.#files.writeNote(object);
        await this.#become(object, upload, deadline);
      } catch (error) {
        await this.#files.removeNote(object);
        throw error;
      }
      return { etag: object.etag };
    });
  }

  async abort(upload: Upload, options?: CallOptions): Promise<void> {
    await call(options, async () => {
      const names = await this.#index.change(() => {
        if (this.#index.findUpload(upload.upload_id)?.key !== upload.key) return [];
        const parts = this.#index.parts(upload.upload_id);
        this.#index.deleteUpload(upload.upload_id);
        return parts.map(({ name }) => name);
      });
      await this.#files.removeNames(names);
    });
  }

  async list({ before, prefix = '', ...options }: { before: Date; prefix?: string | undefined } & CallOptions): Promise<BegunUpload[]> {
    return call(options, async () => this.#index.uploadsBefore(before.getTime(), prefix, 1_000)
      .map(({ key, upload_id, begun_ms }) => ({ key, upload_id, begun_at: wholeSeconds(begun_ms) })));
  }

  presignPart(upload: Upload, partNumber: number, options: PresignPartOptions): PresignedPut {
    checkKey(upload.key);
    checkPartNumber(partNumber);
    checkPutSize(options.size);
    const length = String(options.size);
    const url = this.#signer.sign('PUT', upload.key, { length, upload_id: upload.upload_id, part_number: String(partNumber) }, options);
    return { url, method: 'PUT', headers: { 'Content-Length': length }, expires_in: options.expiresSeconds };
  }

  async #keepPart(upload: Upload, part: IndexedPart, deadline: Deadline): Promise<void> {
    const replaced = await this.#index.change(() => {
      deadline.signal.throwIfAborted();
      this.#find(upload);
      const old = this.#index.parts(upload.upload_id).find(({ part_number }) => part_number === part.part_number);
      this.#index.putPart(upload.upload_id, part);
      return old;
    });
    if (replaced !== undefined) await this.#files.removeNames([replaced.name]);
  }

  async #become(object: IndexedObject, upload: Upload, deadline: Deadline): Promise<void> {
    const used = new Set(object.pieces.map(([name]) => name));
    const { replaced, unused } = await this.#index.change(() => {
      deadline.signal.throwIfAborted();
      this.#find(upload);
      const names = this.#index.parts(upload.upload_id).map(({ name }) => name);
      const rest = names.filter((name) => !used.has(name));
      if (names.length - rest.length !== used.size) throw new Problem('invalid_request', 'A part was put again meanwhile');
      const old = this.#index.find(object.key);
      this.#index.deleteUpload(upload.upload_id);
      this.#index.put(object);
      return { replaced: old, unused: rest };
    });
    if (replaced !== null) await this.#files.remove(replaced);
    await this.#files.removeNames(unused);
  }

  #find({ key, upload_id }: Upload): IndexedUpload {
    const found = this.#index.findUpload(upload_id);
    if (found === null || found.key !== key) throw new Problem('upload_not_found');
    return found;
  }

  /** The object that these parts make. */
  #assemble(upload: IndexedUpload, parts: readonly Part[]): IndexedObject {
    const stored = new Map(this.#index.parts(upload.upload_id).map((part) => [part.part_number, part]));
    const chosen = parts.map(({ part_number, etag }, place) => {
      const part = stored.get(part_number);
      if (part === undefined || part.etag !== etag) throw new Problem('invalid_request', `Part ${part_number} with this etag is not there`);
      if (place > 0 && part_number <= parts[place - 1]!.part_number) throw new Problem('invalid_request', 'The parts are not in the order of their numbers');
      if (place < parts.length - 1 && part.size < minPartBytes) throw new Problem('invalid_request', `Part ${part_number} has less than 5 MiB`);
      return part;
    });
    if (chosen.length === 0) throw new Problem('invalid_request', 'An upload needs a part');
    return {
      key: upload.key, object_id: this.#files.newId(upload.upload_id), etag: etagOf(chosen), content_type: upload.content_type, modified_ms: Date.now(),
      size: chosen.reduce((sum, { size }) => sum + size, 0), pieces: chosen.map(({ name, size }) => [name, size]),
    };
  }
}

/** As S3 makes it: the MD5 of the parts' MD5s, and their number. */
function etagOf(parts: readonly IndexedPart[]): string {
  const md5 = createHash('md5');
  for (const { etag } of parts) md5.update(Buffer.from(etag, 'hex'));
  return `${md5.digest('hex')}-${parts.length}`;
}

function call<T>(options: CallOptions | undefined, work: (deadline: Deadline) => Promise<T>): Promise<T> {
  return withDeadline(options, (deadline) => asDiskProblem(work(deadline)));
}
