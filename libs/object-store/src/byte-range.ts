import { Problem } from '@kgpu/contracts';

/** As in HTTP: `last` is the last byte itself (without it: to the end); `suffix` are the last N bytes. */
export type ByteRange = { first: number; last?: number | undefined } | { suffix: number };

/** A range of a content whose size is known. Both ends belong to it. */
export interface ResolvedRange {
  first: number;
  last: number;
}

/**
 * The one range of a `Range` header (RFC 9110). Null for none, for several, and for what is not understood: the whole
 * content is the answer then.
 */
export function parseRange(header: string | undefined): ByteRange | null {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '');
  if (match === null) return null;
  const [, first, last] = match;
  if (first === '') return last === '' ? null : { suffix: Number(last) };
  if (last === '') return { first: Number(first) };
  return Number(last) < Number(first!) ? null : { first: Number(first), last: Number(last) };
}

/** What the range is of `size` bytes. `Problem('range_not_satisfiable')`, with `size`, when that is nothing. */
export function resolveRange(range: ByteRange, size: number): ResolvedRange {
  const resolved = 'suffix' in range
    ? { first: Math.max(0, size - range.suffix), last: range.suffix === 0 ? -1 : size - 1 }
    : { first: range.first, last: Math.min(range.last ?? Infinity, size - 1) };
  if (resolved.first > resolved.last) throw new Problem('range_not_satisfiable', `The content has ${size} bytes`, { size });
  return resolved;
}

/** The value of a `Range` header. */
export function formatRange(range: ByteRange): string {
  return 'suffix' in range ? `bytes=-${range.suffix}` : `bytes=${range.first}-${range.last ?? ''}`;
}
