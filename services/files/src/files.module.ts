import { Module, type DynamicModule } from '@nestjs/common';
import { FILES_PARTS, type FilesParts } from './files-parts.ts';
import { FileController } from './operation/file.controller.ts';
import { OrgController } from './org/org.controller.ts';
import { ReconcileController } from './reconcile/reconcile.controller.ts';
import { UploadController } from './upload/upload.controller.ts';

@Module({})
export class FilesModule {
  static with(parts: FilesParts): DynamicModule {
    return {
      module: FilesModule,
      controllers: [OrgController, UploadController, FileController, ReconcileController],
      providers: [{ provide: FILES_PARTS, useValue: parts }],
    };
  }
}
