import { Controller } from '@nestjs/common';
import { AbortUpload, CompleteUpload, driveOfUser, GetQuota, GetUpload, Problem, routes } from '@kgpu/contracts';
import type { Given } from '../http/given.ts';
import { Handles } from '../http/handles.ts';
import { Parts } from '../http/parts.ts';
import { userOf } from '../identity/caller.ts';
import { ClientAddress } from './client-address.ts';
import { DriveReader } from './drive-reader.ts';
import { asFieldError, storedFile } from './drive-view.ts';
import { flatList } from './flat-list.ts';

/** Putting a file together of thousands of parts takes the store a while. */
const COMPLETE_MS = 90_000;

@Controller()
export class FilesController {
  constructor(
    private readonly parts: Parts,
    private readonly reader: DriveReader,
    private readonly base: ClientAddress,
  ) {}

  @Handles(routes.listFiles)
  async list(given: Given<typeof routes.listFiles>) {
    const drive = driveOfUser(userOf(given.caller));
    const { prefix = '', glob, limit, cursor } = given.query;
    if (/[\p{Cc}\\]/u.test(prefix)) throw new Problem('invalid_path', 'The prefix holds a control character or a backslash.');
    const [{ files, next_cursor }, quota] = await Promise.all([
      flatList(this.reader, drive, { prefix: prefix.normalize('NFC'), glob, limit, cursor }).catch(asFieldError),
      this.parts.ask(GetQuota, { drive }, given),
    ]);
    return { files: files.map(storedFile), quota, next_cursor };
  }

  @Handles(routes.getUpload)
  async upload(given: Given<typeof routes.getUpload>) {
    const { from, count } = given.query;
    const { upload, parts, part_count, uploaded_bytes } = await this.parts.ask(GetUpload, { upload_id: given.params.upload_id, by: userOf(given.caller), from, count }, given);
    const { upload_id, drive, path, size, part_bytes, expires_at } = upload;
    if (size === null || part_bytes === null) throw new Problem('upload_not_found');
    return { upload_id, drive, path, size, part_bytes, part_count, uploaded_bytes, expires_at, parts: parts.map((part) => ({ ...part, url: this.base.urlFor(part.url, given.headers), method: 'PUT' as const })) };
  }

  @Handles(routes.completeUpload)
  async complete(given: Given<typeof routes.completeUpload>) {
    const request = { command_id: given.command.id, upload_id: given.params.upload_id, by: userOf(given.caller) };
    const { path, size, etag } = await this.parts.ask(CompleteUpload, request, given, COMPLETE_MS);
    return { path, size, etag };
  }

  @Handles(routes.abortUpload)
  async abort(given: Given<typeof routes.abortUpload>) {
    const { upload_id } = given.params;
    await this.parts.ask(AbortUpload, { command_id: given.command.id, upload_id, by: userOf(given.caller) }, given);
    return { upload_id, aborted: true as const };
  }
}
