/** The object stores that files are tested on: the folder that is the default, and a real S3. */
import { startSeaweed, type Seaweed } from '@kgpu/object-store/testing';

export interface TestedStore {
  name: string;
  /** Of a system that uses it; null when it can't run here. */
  settings: Record<string, string> | null;
  seaweed: Seaweed | null;
}

export async function testedStores(): Promise<TestedStore[]> {
  return [{ name: 'the data folder', settings: {}, seaweed: null }, await seaweedStore()];
}

export async function seaweedStore(): Promise<TestedStore> {
  const seaweed = await startSeaweed();
  if (seaweed.options === null) return { name: `SeaweedFS (${seaweed.reason})`, settings: null, seaweed: null };
  const { endpoint, publicEndpoint, bucket, accessKeyId, secretAccessKey, region } = seaweed.options;
  return {
    name: 'SeaweedFS', seaweed,
    settings: {
      KGPU_S3_ENDPOINT: endpoint, KGPU_S3_PUBLIC_ENDPOINT: publicEndpoint!, KGPU_S3_BUCKET: bucket, KGPU_S3_REGION: region!, KGPU_S3_ACCESS_KEY_ID: accessKeyId, KGPU_S3_SECRET_ACCESS_KEY: secretAccessKey,
    },
  };
}
