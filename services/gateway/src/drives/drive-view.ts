/** GET and HEAD of paths: files and folders as they are read. */
import { Problem, type FieldError, type StoredFile } from '@kgpu/contracts';
import type { IncomingHttpHeaders } from 'node:http';
import { preferred } from '../http/accept.ts';
import type { LiveStreams } from '../http/live-streams.ts';
import { Result } from '../http/result.ts';
import { followsGet, needsNoType } from './clients.ts';
import type { DrivePlace, OrgsPlace, Place } from './drive-access.ts';
import type { DriveReader, Entry, EntryPage, FileEntry } from './drive-reader.ts';
import { answeredByConditions, fileHeaders, type Downloads } from './downloads.ts';
import { folderHtml, htmlHeaders, namesHtml } from './folder-pages.ts';

export interface ViewRequest {
  headers: IncomingHttpHeaders;
  /** Of the URL, as it was sent. */
  rawPath: string;
  query: { json: boolean; limit?: number; cursor?: string | undefined };
}

export class DriveView {
  constructor(
    private readonly reader: DriveReader,
    private readonly downloads: Downloads,
    private readonly streams: LiveStreams,
  ) {}

  async get(place: Place, request: ViewRequest): Promise<Result> {
    if (place.kind === 'orgs') return this.#orgs(place, request);
    const isFile = !place.isFolder;
    if (isFile && !followsGet(request.headers['user-agent'])) {
      const streamed = await this.#streamed(place, request);
      if (streamed !== null) return streamed;
    }
    if (place.isFolder) return withSlash(request) ?? this.#folder(place, request);
    const entry = await this.#entry(place, false);
    if (entry.kind === 'folder') return withSlash(request)!;
    const conditional = answeredByConditions(entry, request.headers);
    if (conditional !== null) return conditional;
    return wantsJson(request, 'application/octet-stream')
      ? new Result({ ...this.downloads.url(place.drive, place.path, request.headers), size: entry.size }, 200, { 'cache-control': 'no-store', vary: 'accept' })
      : this.downloads.redirect(place.drive, place.path, request.headers);
  }

  async head(place: Place, request: ViewRequest): Promise<Result> {
    if (place.kind === 'orgs') return withSlash(request) ?? new Result(null, 200, htmlHeaders);
    const entry = await this.#entry(place, !needsNoType(request.headers['user-agent']));
    if (entry.kind === 'folder') return withSlash(request) ?? new Result(null, 200, htmlHeaders);
    return answeredByConditions(entry, request.headers) ?? new Result(null, 200, { ...fileHeaders(entry), 'content-length': String(entry.size) });
  }

  async #entry({ drive, path, isFolder }: DrivePlace, withType: boolean): Promise<Entry> {
    const entry = await this.reader.stat(drive, path, { isFolder, withType });
    if (entry === null) throw new Problem('file_not_found');
    return entry;
  }

  /** Null when it is no file. */
  async #streamed(place: DrivePlace, { headers }: ViewRequest): Promise<Result | null> {
    try {
      return await this.downloads.stream(place.drive, place.path, headers);
    } catch (error) {
      if (error instanceof Problem && error.code === 'file_not_found') return null;
      throw error;
    }
  }

  async #folder({ drive, path }: DrivePlace, request: ViewRequest): Promise<Result> {
    const isJson = wantsJson(request, 'text/html');
    const page = (cursor?: string, limit?: number): Promise<EntryPage> => this.reader.list(drive, path, { cursor, limit });
    const { cursor, limit } = request.query;
    const first = isJson ? await page(cursor, limit).catch(asFieldError) : await page();
    if (!first.found && cursor === undefined && path !== '') throw new Problem('file_not_found');
    if (isJson) return new Result(folderJson(path, first), 200, { 'cache-control': 'no-store', vary: 'accept' });
    return new Result(this.streams.open(() => folderHtml(`/${path}`, first, page)), 200, htmlHeaders);
  }

  #orgs({ orgs }: OrgsPlace, request: ViewRequest): Result {
    if (wantsJson(request, 'text/html')) return new Result({ orgs }, 200, { 'cache-control': 'no-store', vary: 'accept' });
    return withSlash(request) ?? new Result(namesHtml('/', orgs.map(({ slug }) => slug)), 200, htmlHeaders);
  }
}

/** Links in a folder's page are relative, so its URL must end in a slash. Null when it does. */
function withSlash({ rawPath }: ViewRequest): Result | null {
  if (rawPath.endsWith('/')) return null;
  return new Result(null, 301, { location: `./${rawPath.slice(rawPath.lastIndexOf('/') + 1)}/`, 'content-length': '0' });
}

function wantsJson({ headers, query }: ViewRequest, usual: 'text/html' | 'application/octet-stream'): boolean {
  return query.json || preferred(headers.accept, [usual, 'application/json']) === 'application/json';
}

function folderJson(path: string, { entries, next_cursor }: EntryPage) {
  const folders = entries.filter(({ kind }) => kind === 'folder').map((entry) => entry.path.slice(entry.path.lastIndexOf('/') + 1));
  return { path, folders, files: entries.filter((entry) => entry.kind === 'file').map(storedFile), next_cursor };
}

export function storedFile({ path, size, modified_at, etag, content_type = null }: Omit<FileEntry, 'content_type'> & { content_type?: string | null }): StoredFile {
  return { path, size, modified_at, etag, content_type };
}

/** What the store says of a cursor, in the terms of the request. */
export function asFieldError(error: unknown): never {
  if (!(error instanceof Problem && error.code === 'invalid_request') || error.fields.errors !== undefined) throw error;
  const errors: FieldError[] = [{ pointer: '/query/cursor', message: 'must be next_cursor of the page before' }];
  throw new Problem('invalid_request', error.message, { errors });
}
