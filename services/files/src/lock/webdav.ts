/** What WebDAV needs kept of drives: locks and dead properties, with the views of them. */
import { follow, type Projection, type ServiceContext } from '@kgpu/runtime';
import type { Bucket } from '../drive/bucket.ts';
import type { DriveAccess } from '../drive/drive-access.ts';
import { Properties } from '../properties/properties.projection.ts';
import { PropertyRecord } from '../properties/property-record.ts';
import { Locking } from './locking.ts';
import { Locks, LockView } from './locks.ts';

export interface Webdav {
  context: ServiceContext;
  bucket: Bucket;
  access: DriveAccess;
  projection: Projection;
  view: LockView;
  locks: Locks;
  locking: Locking;
  properties: Properties;
  propertyRecord: PropertyRecord;
}

export const WEBDAV = Symbol('webdav');

/** Of the facts of drives only those that end locks and move properties are read. */
const TYPES = ['PathLocked', 'LockRefreshed', 'LockReleased', 'PropertiesChanged', 'DeletionCompleted', 'TransferCompleted'];

/** Its views are complete when `projection.ready` is. */
export function openWebdav(context: ServiceContext, bucket: Bucket, access: DriveAccess): Webdav {
  const view = new LockView();
  const properties = new Properties();
  const projection = follow(context.store, { categories: ['lock', 'properties', 'drive'], types: TYPES }, (event) => {
    view.apply(event);
    properties.apply(event);
  });
  const locks = new Locks(context, view, projection);
  return {
    context, bucket, access, projection, view, locks, properties,
    locking: new Locking(locks, bucket, access), propertyRecord: new PropertyRecord(context, properties, projection),
  };
}
