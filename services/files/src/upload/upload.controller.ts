/** What the files service answers about uploads and the room of drives. */
import {
  AbortUpload, CompleteUpload, ConfirmUpload, GetQuota, GetUpload, GrowUpload, RegisterFile, ReleaseUpload, ReserveUpload, type Asked, type MessageMeta, type ReplyOf,
} from '@kgpu/contracts';
import { Answers } from '@kgpu/runtime';
import { Controller, Inject } from '@nestjs/common';
import { FILES_PARTS, type FilesParts } from '../files-parts.ts';
import { answerWithin } from '../operation/operations.ts';

@Controller()
export class UploadController {
  constructor(@Inject(FILES_PARTS) private readonly parts: FilesParts) {}

  @Answers(ReserveUpload)
  reserve(asked: Asked<typeof ReserveUpload>, meta: MessageMeta): Promise<ReplyOf<typeof ReserveUpload>> {
    return this.parts.uploads.reserve(asked, meta.request_id);
  }

  @Answers(GrowUpload)
  async grow(asked: Asked<typeof GrowUpload>, meta: MessageMeta): Promise<ReplyOf<typeof GrowUpload>> {
    return { position: await this.parts.uploads.grow(asked, meta.request_id) };
  }

  @Answers(ConfirmUpload)
  confirm({ drive, upload_id, size, etag }: Asked<typeof ConfirmUpload>, meta: MessageMeta): Promise<ReplyOf<typeof ConfirmUpload>> {
    return this.parts.uploads.confirm(drive, upload_id, { size, etag }, meta.request_id);
  }

  @Answers(ReleaseUpload)
  async release({ drive, upload_id, reason }: Asked<typeof ReleaseUpload>, meta: MessageMeta): Promise<ReplyOf<typeof ReleaseUpload>> {
    return { position: await this.parts.uploads.release(drive, upload_id, reason, meta.request_id) };
  }

  @Answers(GetUpload)
  get(asked: Asked<typeof GetUpload>): Promise<ReplyOf<typeof GetUpload>> {
    return this.parts.partUploads.get(asked);
  }

  @Answers(CompleteUpload)
  complete(asked: Asked<typeof CompleteUpload>, meta: MessageMeta): Promise<ReplyOf<typeof CompleteUpload>> {
    return answerWithin(meta.deadline_ms ?? 5_000, this.parts.partUploads.complete(asked));
  }

  @Answers(AbortUpload)
  async abort({ upload_id, by }: Asked<typeof AbortUpload>): Promise<ReplyOf<typeof AbortUpload>> {
    return { position: await this.parts.partUploads.abort(upload_id, by) };
  }

  /** An upload of the file is settled first, so that the fact of it is recorded before. */
  @Answers(RegisterFile)
  async register(asked: Asked<typeof RegisterFile>, meta: MessageMeta): Promise<ReplyOf<typeof RegisterFile>> {
    await this.parts.quota.settle(asked.drive, (upload) => upload.path === asked.path);
    const { size, etag, at, position } = await this.parts.files.register(asked, meta.request_id);
    return { size, etag, registered_at: at, position };
  }

  @Answers(GetQuota)
  async quota({ drive }: Asked<typeof GetQuota>): Promise<ReplyOf<typeof GetQuota>> {
    return this.parts.quota.of(drive);
  }
}
