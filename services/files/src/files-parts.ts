/** What the controllers work with, made once at start. */
import type { Projection, ServiceContext } from '@kgpu/runtime';
import type { Drives } from './drive/drives.projection.ts';
import type { Files } from './operation/files.ts';
import type { OrgDirectory, Orgs } from './org/orgs.ts';
import type { ReconcileTools } from './reconcile/reconcile.ts';
import type { Reconciliations } from './reconcile/reconciliations.ts';
import type { PartUploads } from './upload/part-uploads.ts';
import type { Quota } from './upload/quota.ts';
import type { Uploads } from './upload/uploads.ts';

export interface FilesParts {
  context: ServiceContext;
  projection: Projection;
  drives: Drives;
  directory: OrgDirectory;
  orgs: Orgs;
  uploads: Uploads;
  partUploads: PartUploads;
  quota: Quota;
  files: Files;
  reconcileTools: ReconcileTools;
  reconciliations: Reconciliations;
}

export const FILES_PARTS = Symbol('files parts');
