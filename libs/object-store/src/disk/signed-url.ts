import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { PresignOptions } from '../object-store.ts';
import { checkExpiry } from '../limits.ts';
import { encodeDrivePath } from '@kgpu/contracts';

/** Where objects are served below the base URL. */
export const objectsPath = '/objects/';

/** What a URL allows, beside its method, key and expiry. Numbers are decimal digits. */
export interface Permission {
  length?: string;
  content_type?: string;
  create_only?: '1';
  content_disposition?: string;
  upload_id?: string;
  part_number?: string;
}

/** What the URL of a request allows; else why it is refused, in the words of S3. */
export type Verified = { allowed: Permission } | { refused: 'SignatureDoesNotMatch' | 'AccessDenied' };

/** Makes and checks URLs that carry a permission. Everything in them is signed; nothing is kept. */
export class UrlSigner {
  readonly #key: KeyObject;
  readonly #baseUrl: () => string;

  /** `baseUrl`: of the gateway, e.g. `http://localhost:8080`. */
  constructor(secret: string, baseUrl: () => string) {
    this.#key = createSecretKey(createHmac('sha256', secret).update('kgpu object URLs').digest());
    this.#baseUrl = baseUrl;
  }

  sign(method: 'GET' | 'PUT', key: string, permission: Permission, { expiresSeconds, now = Date.now() }: PresignOptions): string {
    checkExpiry(expiresSeconds);
    const expires = String(Math.floor(now / 1_000) + expiresSeconds);
    const query = new URLSearchParams({ expires, ...permission });
    query.sort();
    query.append('signature', this.#signature(method, key, query).toString('hex'));
    return `${this.#baseUrl()}${objectsPath}${encodeDrivePath(key)}?${query.toString()}`;
  }

  verify(method: string, key: string, query: URLSearchParams, now: number): Verified {
    const { signature = '', expires = '', ...allowed } = Object.fromEntries(query);
    query.delete('signature');
    query.sort();
    const given = Buffer.from(signature, 'hex');
    const right = this.#signature(method, key, query);
    if (given.length !== right.length || !timingSafeEqual(given, right)) return { refused: 'SignatureDoesNotMatch' };
    return Number(expires) * 1_000 < now ? { refused: 'AccessDenied' } : { allowed };
  }

  /** The key is encoded, so no other key and query give the same text. */
  #signature(method: string, key: string, query: URLSearchParams): Buffer {
    return createHmac('sha256', this.#key).update(`${method}\n${encodeDrivePath(key)}\n${query.toString()}`).digest();
  }
}
