import aws4 from 'aws4';
import { checkExpiry } from '../limits.ts';
import { encodeKey, encodeStrictly } from '../object-key.ts';
import type { PresignOptions } from '../object-store.ts';
import type { S3ObjectStoreOptions } from './s3-connection.ts';

/** What is signed beside method and key. */
export interface Signed {
  query?: Record<string, string>;
  /** The client must send exactly these. */
  headers?: Record<string, string>;
}

/**
 * Presigned URLs (SigV4 in the query, path-style, payload unsigned), the same that the SDK's presigner makes, at a
 * twentieth of its cost.
 */
export class S3UrlSigner {
  readonly #origin: string;
  readonly #host: string;
  readonly #path: string;
  readonly #region: string;
  readonly #credentials: { accessKeyId: string; secretAccessKey: string };

  constructor({ endpoint, publicEndpoint = endpoint, bucket, region = 'auto', accessKeyId, secretAccessKey }: S3ObjectStoreOptions) {
    const { origin, host, pathname } = new URL(publicEndpoint);
    this.#origin = origin;
    this.#host = host;
    this.#path = `${pathname.replace(/\/+$/, '')}/${bucket}/`;
    this.#region = region;
    this.#credentials = { accessKeyId, secretAccessKey };
  }

  sign(method: 'GET' | 'PUT', key: string, { query = {}, headers = {} }: Signed, { expiresSeconds, now = Date.now() }: PresignOptions): string {
    checkExpiry(expiresSeconds);
    const all = {
      ...query,
      'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD',
      'X-Amz-Date': new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, ''),
      'X-Amz-Expires': String(expiresSeconds),
    };
    const search = Object.entries(all).map(([name, value]) => `${name}=${encodeStrictly(value)}`).join('&');
    const request = { method, service: 's3', region: this.#region, signQuery: true, headers: { ...headers, Host: this.#host }, path: `${this.#path}${encodeKey(key)}?${search}` };
    return this.#origin + aws4.sign(request, this.#credentials).path;
  }
}
