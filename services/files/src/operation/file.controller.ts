/** What the files service answers about files and folders. */
import { DeleteFiles, MakeFolder, TransferFiles, type Asked, type MessageMeta, type ReplyOf } from '@kgpu/contracts';
import { Answers } from '@kgpu/runtime';
import { Controller, Inject } from '@nestjs/common';
import { FILES_PARTS, type FilesParts } from '../files-parts.ts';

@Controller()
export class FileController {
  constructor(@Inject(FILES_PARTS) private readonly parts: FilesParts) {}

  @Answers(DeleteFiles)
  delete(asked: Asked<typeof DeleteFiles>, meta: MessageMeta): Promise<ReplyOf<typeof DeleteFiles>> {
    return this.parts.files.delete(asked, meta);
  }

  @Answers(TransferFiles)
  transfer(asked: Asked<typeof TransferFiles>, meta: MessageMeta): Promise<ReplyOf<typeof TransferFiles>> {
    return this.parts.files.transfer(asked, meta);
  }

  @Answers(MakeFolder)
  async makeFolder(asked: Asked<typeof MakeFolder>, meta: MessageMeta): Promise<ReplyOf<typeof MakeFolder>> {
    return { position: await this.parts.files.makeFolder(asked, meta.request_id) };
  }
}
