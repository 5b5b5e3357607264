import { createHmac, createSecretKey, hash } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { checkExpiry } from '../limits.ts';
import { encodeDrivePath, encodeStrictly } from '@kgpu/contracts';
import type { PresignOptions } from '../object-store.ts';
import type { S3ObjectStoreOptions } from './s3-connection.ts';

/** What is signed beside method and key. */
export interface Signed {
  query?: Record<string, string>;
  /** The client must send exactly these. */
  headers?: Record<string, string>;
}

/**
 * Presigned URLs: Signature Version 4 in the query, path-style, payload unsigned (AWS, "Authenticating Requests: Using Query
 * Parameters"). The same URLs that the SDK's presigner makes, at a thirtieth of its cost.
 */
export class S3UrlSigner {
  readonly #origin: string;
  readonly #host: string;
  readonly #path: string;
  readonly #region: string;
  readonly #accessKeyId: string;
  readonly #secretAccessKey: string;
  #dayKey: { day: string; key: KeyObject } | null = null;

  constructor({ endpoint, publicEndpoint = endpoint, bucket, region = 'auto', accessKeyId, secretAccessKey }: S3ObjectStoreOptions) {
    const { origin, host, pathname } = new URL(publicEndpoint);
    this.#origin = origin;
    this.#host = host;
    this.#path = `${pathname.replace(/\/+$/, '')}/${bucket}/`;
    this.#region = region;
    this.#accessKeyId = accessKeyId;
    this.#secretAccessKey = secretAccessKey;
  }

  sign(method: 'GET' | 'PUT', key: string, { query = {}, headers = {} }: Signed, { expiresSeconds, now = Date.now() }: PresignOptions): string {
    checkExpiry(expiresSeconds);
    const time = new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, '');
    const day = time.slice(0, 8);
    const scope = `${day}/${this.#region}/s3/aws4_request`;
    const signed = [...Object.entries(headers), ['Host', this.#host] as const].map(([name, value]) => `${name.toLowerCase()}:${value.trim().replace(/ +/g, ' ')}`).sort();
    const signedNames = signed.map((line) => line.slice(0, line.indexOf(':'))).join(';');
    const path = this.#path + encodeDrivePath(key);
    const search = canonicalQuery({
      ...query,
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD',
      'X-Amz-Credential': `${this.#accessKeyId}/${scope}`,
      'X-Amz-Date': time,
      'X-Amz-Expires': String(expiresSeconds),
      'X-Amz-SignedHeaders': signedNames,
    });
    const request = `${method}\n${path}\n${search}\n${signed.join('\n')}\n\n${signedNames}\nUNSIGNED-PAYLOAD`;
    const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${hash('sha256', request)}`;
    return `${this.#origin}${path}?${search}&X-Amz-Signature=${createHmac('sha256', this.#keyOf(day)).update(text).digest('hex')}`;
  }

  /** Kept for the day: deriving it costs four times what a signature does. A bare buffer as key would cost six times. */
  #keyOf(day: string): KeyObject {
    if (this.#dayKey?.day !== day) {
      const steps = [day, this.#region, 's3', 'aws4_request'];
      const key = steps.reduce<string | Buffer>((secret, step) => createHmac('sha256', secret).update(step).digest(), `AWS4${this.#secretAccessKey}`);
      this.#dayKey = { day, key: createSecretKey(key as Buffer) };
    }
    return this.#dayKey.key;
  }
}

/** In the order of the names' bytes, both sides encoded. */
function canonicalQuery(query: Record<string, string>): string {
  return Object.keys(query).sort().map((name) => `${encodeStrictly(name)}=${encodeStrictly(query[name]!)}`).join('&');
}
