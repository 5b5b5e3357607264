import { hashToken, Problem } from '@kgpu/contracts';
import { timingSafeEqual } from 'node:crypto';
import type { Caller } from './caller.ts';
import type { Credentials } from './credentials.projection.ts';
import type { People } from './people.projection.ts';

/** The token of an `Authorization` header: `Bearer <token>`, or `Basic` with the token as password. Null without a header. */
export function tokenIn(authorization: string | undefined): string | null {
  if (authorization === undefined) return null;
  const [, scheme, value] = /^(\S+) +(\S+) *$/.exec(authorization) ?? [];
  if (scheme === undefined || value === undefined) return '';
  if (scheme.toLowerCase() === 'bearer') return value;
  if (scheme.toLowerCase() !== 'basic') return '';
  const text = Buffer.from(value, 'base64').toString('utf8');
  return text.slice(text.indexOf(':') + 1);
}

export function notValid(): Problem {
  return new Problem('unauthenticated', 'The token is not valid: it is wrong, was revoked, or its rental has ended.');
}

/** Tells who bears a token. */
export class Authenticator {
  readonly #adminTokenHash: Buffer | null;

  constructor(
    private readonly credentials: Credentials,
    private readonly people: People,
    adminToken: string | undefined,
  ) {
    this.#adminTokenHash = adminToken === undefined ? null : Buffer.from(hashToken(adminToken));
  }

  /** Throws `unauthenticated` for a token that is not good (any more). A suspended user's tokens are not, from the instant of the fact. */
  callerOf(token: string | null): Caller {
    if (token === null) return { kind: 'nobody' };
    const hash = hashToken(token);
    // Hashes have one length, and comparing them tells nothing of where a guess went wrong.
    if (this.#adminTokenHash !== null && timingSafeEqual(Buffer.from(hash), this.#adminTokenHash)) return { kind: 'admin_token' };
    const credential = this.credentials.find(hash);
    const person = credential === undefined ? undefined : this.people.get(credential.userId);
    if (credential === undefined || person === undefined || person.status === 'suspended') {
      throw notValid();
    }
    return credential.kind === 'rental' ? { kind: 'rental', person, gpuId: credential.gpuId, ending: credential.ending } : { kind: 'user', person };
  }
}
