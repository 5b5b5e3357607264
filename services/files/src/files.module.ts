import { Module, type DynamicModule } from '@nestjs/common';
import { FILES_PARTS, type FilesParts } from './files-parts.ts';
import { WEBDAV, type Webdav } from './lock/webdav.ts';
import { WebdavController } from './lock/webdav.controller.ts';
import { FileController } from './operation/file.controller.ts';
import { OrgController } from './org/org.controller.ts';
import { ReconcileController } from './reconcile/reconcile.controller.ts';
import { UploadController } from './upload/upload.controller.ts';

@Module({})
export class FilesModule {
  static with(parts: FilesParts, webdav: Webdav): DynamicModule {
    return {
      module: FilesModule,
      controllers: [OrgController, UploadController, FileController, ReconcileController, WebdavController],
      providers: [{ provide: FILES_PARTS, useValue: parts }, { provide: WEBDAV, useValue: webdav }],
    };
  }
}
