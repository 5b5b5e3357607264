/**
 * Which token belongs to whom, by hash: one look into a Map per request. A rental's token ends with it, but for one thing:
 * what it wrote to its drive last is uploaded between its end and the end of its container, so the token of one that had
 * started lives on as `ending` until its hardware is free, or the grace is over.
 */
import type { KgpuEvent } from '@kgpu/contracts';

export type Credential = { kind: 'user'; userId: number; tokenId: string } | { kind: 'rental'; userId: number; gpuId: string; ending: boolean };

interface EndingRental {
  credential: Credential;
  /** Monotonic ms. */
  until: number;
}

export class Credentials {
  readonly #byHash = new Map<string, Credential>();
  /** Hashes of good tokens by their token id or rental id. */
  readonly #hashes = new Map<string, string>();
  readonly #revoked = new Set<string>();
  readonly #tokensOf = new Map<number, Set<string>>();
  readonly #rentalsOf = new Map<number, Set<string>>();
  readonly #started = new Set<string>();
  readonly #ending = new Map<string, EndingRental>();
  readonly #endingHashes = new Map<string, string>();

  /** `graceMs` counts from when the end is seen, on the monotonic clock `nowMs`. */
  constructor(
    private readonly graceMs: number,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  apply(event: KgpuEvent): void {
    switch (event.type) {
      case 'TokenIssued': {
        const { user_id: userId, token_id: tokenId, token_hash } = event.data;
        return this.#add(this.#tokensOf, tokenId, token_hash, { kind: 'user', userId, tokenId });
      }
      case 'TokenRevoked':
        this.#revoked.add(this.#hashes.get(event.data.token_id) ?? '');
        return this.#remove(this.#tokensOf, event.data.user_id, event.data.token_id);
      case 'RentalRequested': {
        const { user_id: userId, gpu_id: gpuId, token_hash } = event.data;
        return this.#add(this.#rentalsOf, gpuId, token_hash, { kind: 'rental', userId, gpuId, ending: false });
      }
      case 'RentalStarted':
        return void this.#started.add(event.data.gpu_id);
      case 'RentalEnded':
        return this.#end(event.data.user_id, event.data.gpu_id);
      case 'RentalHardwareFreed':
        return this.#forget(event.data.gpu_id);
      default:
    }
  }

  find(tokenHash: string): Credential | undefined {
    const credential = this.#byHash.get(tokenHash);
    if (credential !== undefined) return credential;
    const ending = this.#ending.get(tokenHash);
    return ending !== undefined && this.nowMs() <= ending.until ? ending.credential : undefined;
  }

  wasRevoked(tokenHash: string): boolean {
    return this.#revoked.has(tokenHash);
  }

  hasGoodTokens(userId: number): boolean {
    return this.#tokensOf.has(userId);
  }

  /** Rentals of the user that have not ended. */
  rentalsOf(userId: number): string[] {
    return [...(this.#rentalsOf.get(userId) ?? [])];
  }

  #end(userId: number, gpuId: string): void {
    const hash = this.#hashes.get(gpuId);
    this.#remove(this.#rentalsOf, userId, gpuId);
    // One that never started has written nothing.
    if (hash === undefined || !this.#started.delete(gpuId)) return;
    this.#ending.set(hash, { credential: { kind: 'rental', userId, gpuId, ending: true }, until: this.nowMs() + this.graceMs });
    this.#endingHashes.set(gpuId, hash);
  }

  #forget(gpuId: string): void {
    this.#ending.delete(this.#endingHashes.get(gpuId) ?? '');
    this.#endingHashes.delete(gpuId);
  }

  #add(owners: Map<number, Set<string>>, id: string, hash: string, credential: Credential): void {
    this.#byHash.set(hash, credential);
    this.#hashes.set(id, hash);
    owners.set(credential.userId, (owners.get(credential.userId) ?? new Set()).add(id));
  }

  #remove(owners: Map<number, Set<string>>, userId: number, id: string): void {
    const hash = this.#hashes.get(id);
    if (hash === undefined) return;
    this.#byHash.delete(hash);
    this.#hashes.delete(id);
    const ids = owners.get(userId);
    ids?.delete(id);
    if (ids?.size === 0) owners.delete(userId);
  }
}
