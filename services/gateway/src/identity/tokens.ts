/** The tokens of one user, as hashes: a token itself is known to its bearer only. */
import { Problem, type TokenEvent } from '@kgpu/contracts';
import type { Decider } from '@kgpu/event-store';

export interface TokensState {
  /** Every token ever issued, by id: whether it is still good. */
  good: ReadonlyMap<string, boolean>;
}

export type TokensCommand =
  | { type: 'Issue'; userId: number; tokenId: string; tokenHash: string; note: string | null }
  | { type: 'Revoke'; userId: number; tokenId: string }
  | { type: 'RevokeAll'; userId: number };

function evolve({ good }: TokensState, event: TokenEvent): TokensState {
  return { good: new Map(good).set(event.data.token_id, event.type === 'TokenIssued') };
}

function decide(command: TokensCommand, state: TokensState, now: Date): TokenEvent[] {
  switch (command.type) {
    case 'Issue':
      return issue(command, state, now);
    case 'Revoke':
      return revoke(command, state, now);
    case 'RevokeAll':
      return [...state.good].filter(([, good]) => good).flatMap(([tokenId]) => revoke({ type: 'Revoke', userId: command.userId, tokenId }, state, now));
  }
}

export const tokensDecider: Decider<TokensState, TokensCommand, TokenEvent> = { initial: { good: new Map() }, evolve, decide };

function issue({ userId, tokenId, tokenHash, note }: Extract<TokensCommand, { type: 'Issue' }>, { good }: TokensState, now: Date): TokenEvent[] {
  if (good.has(tokenId)) return [];
  return [{ type: 'TokenIssued', data: { token_id: tokenId, user_id: userId, token_hash: tokenHash, note, at: now.toISOString() } }];
}

function revoke({ userId, tokenId }: Extract<TokensCommand, { type: 'Revoke' }>, { good }: TokensState, now: Date): TokenEvent[] {
  if (!good.has(tokenId)) throw new Problem('token_not_found');
  return good.get(tokenId) === true ? [{ type: 'TokenRevoked', data: { token_id: tokenId, user_id: userId, at: now.toISOString() } }] : [];
}
