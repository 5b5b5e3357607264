import type { IncomingHttpHeaders } from 'node:http';
import { invalidHeader } from './invalid-header.ts';

export type Depth = '0' | '1' | 'infinity';

/** @throws Problem `invalid_header` for one that isn't among `allowed` */
export function depthIn({ depth }: IncomingHttpHeaders, allowed: readonly Depth[]): Depth {
  const asked = (typeof depth === 'string' ? depth.trim().toLowerCase() : 'infinity') as Depth;
  if (!allowed.includes(asked)) throw invalidHeader(`Depth must be ${allowed.join(' or ')}.`);
  return asked;
}

/** Absent: true (RFC 4918, 10.6). */
export function overwriteIn({ overwrite }: IncomingHttpHeaders): boolean {
  const asked = typeof overwrite === 'string' ? overwrite.trim().toUpperCase() : 'T';
  if (asked !== 'T' && asked !== 'F') throw invalidHeader('Overwrite must be T or F.');
  return asked === 'T';
}
