import { ConfigError } from '@kgpu/contracts';
import { join } from 'node:path';
import { DiskObjectStore } from './disk-object-store.ts';
import type { DiskObjectStoreOptions } from './disk-object-store.ts';
import type { ObjectStore } from './object-store.ts';
import { S3ObjectStore } from './s3-object-store.ts';

/** The settings that choose the store: those of an S3, or, without its endpoint, the data folder. */
export interface ObjectStoreConfig {
  KGPU_DATA_DIR: string;
  KGPU_S3_ENDPOINT?: string | undefined;
  KGPU_S3_PUBLIC_ENDPOINT?: string | undefined;
  KGPU_S3_BUCKET?: string | undefined;
  KGPU_S3_REGION?: string | undefined;
  KGPU_S3_ACCESS_KEY_ID?: string | undefined;
  KGPU_S3_SECRET_ACCESS_KEY?: string | undefined;
}

/**
 * The store that is configured: the S3 of `KGPU_S3_ENDPOINT`, else a folder `objects` in the data folder. An S3 is not asked
 * anything yet (`check` does). Throws `ConfigError` when settings of the S3 are missing. Serve the URLs of a
 * `DiskObjectStore` (`instanceof`) with `handleObjectRequest`.
 */
export async function openObjectStore(config: ObjectStoreConfig, disk: Pick<DiskObjectStoreOptions, 'baseUrl' | 'secret'>): Promise<ObjectStore> {
  const endpoint = config.KGPU_S3_ENDPOINT;
  if (endpoint === undefined) return DiskObjectStore.open({ folder: join(config.KGPU_DATA_DIR, 'objects'), ...disk });
  const publicEndpoint = config.KGPU_S3_PUBLIC_ENDPOINT;
  for (const [name, url] of Object.entries({ KGPU_S3_ENDPOINT: endpoint, KGPU_S3_PUBLIC_ENDPOINT: publicEndpoint })) {
    if (url !== undefined && !/^https?:$/.test(URL.parse(url)?.protocol ?? '')) throw new ConfigError(`${name}: must be an http or https URL`);
  }
  return new S3ObjectStore({
    endpoint, publicEndpoint, region: config.KGPU_S3_REGION, bucket: needed(config, 'KGPU_S3_BUCKET'),
    accessKeyId: needed(config, 'KGPU_S3_ACCESS_KEY_ID'), secretAccessKey: needed(config, 'KGPU_S3_SECRET_ACCESS_KEY'),
  });
}

function needed(config: ObjectStoreConfig, name: 'KGPU_S3_BUCKET' | 'KGPU_S3_ACCESS_KEY_ID' | 'KGPU_S3_SECRET_ACCESS_KEY'): string {
  const value = config[name];
  if (value === undefined) throw new ConfigError(`${name}: is needed when KGPU_S3_ENDPOINT is set`);
  return value;
}
