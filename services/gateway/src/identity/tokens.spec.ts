import { given } from '@kgpu/event-store/testing';
import { describe, it } from '@jest/globals';
import type { TokenEvent } from '@kgpu/contracts';
import { tokensDecider } from './tokens.ts';

const now = new Date('2026-05-17T01:00:00Z');
const at = now.toISOString();
const issued = (token_id: string): TokenEvent => ({ type: 'TokenIssued', data: { token_id, user_id: 7, token_hash: `hash of ${token_id}`, note: null, at } });
const revoked = (token_id: string): TokenEvent => ({ type: 'TokenRevoked', data: { token_id, user_id: 7, at } });
const issue = { type: 'Issue' as const, userId: 7, tokenId: 'a', tokenHash: 'hash of a', note: null };

describe("a user's tokens", () => {
  it('are issued once', () => {
    given(tokensDecider, []).when(issue, now).then([issued('a')]);
    given(tokensDecider, [issued('a')]).when(issue, now).then([]);
  });

  it('are revoked once, and stay revoked', () => {
    given(tokensDecider, [issued('a')]).when({ type: 'Revoke', userId: 7, tokenId: 'a' }, now).then([revoked('a')]);
    given(tokensDecider, [issued('a'), revoked('a')]).when({ type: 'Revoke', userId: 7, tokenId: 'a' }, now).then([]);
    given(tokensDecider, [issued('a'), revoked('a')]).when(issue, now).then([]);
  });

  it('cannot be revoked when they were never issued', () => {
    given(tokensDecider, []).when({ type: 'Revoke', userId: 7, tokenId: 'a' }, now).thenProblem('token_not_found');
  });

  it('are all revoked together, each one once', () => {
    given(tokensDecider, [issued('a'), issued('b'), issued('c'), revoked('b')]).when({ type: 'RevokeAll', userId: 7 }, now).then([revoked('a'), revoked('c')]);
  });
});
