/** Tokens that a request submits in its `If` header (RFC 4918, 10.4): whoever holds a lock says so with each change. */
import type { IncomingHttpHeaders } from 'node:http';

const MAX_TOKENS = 100;

export function submittedTokens(headers: IncomingHttpHeaders): string[] {
  const lists = String(headers['if'] ?? '').slice(0, 8_192).matchAll(/\(([^()]*)\)/g);
  return [...lists].flatMap(([, list]) => [...list!.matchAll(/<([^<>\s]{1,200})>/g)].map(([, token]) => token!)).slice(0, MAX_TOKENS);
}
