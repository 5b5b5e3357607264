import type { IncomingHttpHeaders } from 'node:http';
import { invalidHeader } from './invalid-header.ts';

const DEFAULT_SECONDS = 3_600;
const MAX_SECONDS = 86_400;

/** `Timeout: Infinite, Second-4100000000`: the first that is understood, at most a day; an hour when there is none. */
export function timeoutSecondsIn({ timeout }: IncomingHttpHeaders): number {
  for (const wish of String(timeout ?? '').split(',').map((part) => part.trim())) {
    if (/^infinite$/i.test(wish)) return MAX_SECONDS;
    const [, seconds] = /^second-(\d{1,15})$/i.exec(wish) ?? [];
    if (seconds !== undefined) return Math.min(MAX_SECONDS, Math.max(1, Number(seconds)));
  }
  return DEFAULT_SECONDS;
}

/** `Lock-Token: <opaquelocktoken:…>` */
export function lockTokenIn({ 'lock-token': header }: IncomingHttpHeaders): string {
  const [, token] = /^\s*<([^<>\s]{1,200})>\s*$/.exec(String(header ?? '')) ?? [];
  if (token === undefined) throw invalidHeader('Lock-Token must be <token>.');
  return token;
}
