/** Which token belongs to whom, by hash: one look into a Map per request. */
import type { KgpuEvent } from '@kgpu/contracts';

export type Credential = { kind: 'user'; userId: number; tokenId: string } | { kind: 'rental'; userId: number; gpuId: string };

export class Credentials {
  readonly #byHash = new Map<string, Credential>();
  /** Hashes of good tokens by their token id or rental id. */
  readonly #hashes = new Map<string, string>();
  readonly #revoked = new Set<string>();
  readonly #tokensOf = new Map<number, Set<string>>();
  readonly #rentalsOf = new Map<number, Set<string>>();

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
        return this.#add(this.#rentalsOf, gpuId, token_hash, { kind: 'rental', userId, gpuId });
      }
      case 'RentalEnded':
        return this.#remove(this.#rentalsOf, event.data.user_id, event.data.gpu_id);
      default:
    }
  }

  find(tokenHash: string): Credential | undefined {
    return this.#byHash.get(tokenHash);
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
