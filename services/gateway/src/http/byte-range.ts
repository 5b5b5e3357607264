/** The `Range` header (RFC 9110, 14): one range of bytes. Several, and what is not understood, ask for the whole. */
import { Problem } from '@kgpu/contracts';

/** From `from` on to before `to` (null: to the end), or the `last` bytes. */
export type RequestedRange = { from: number; to: number | null } | { last: number };

/** Bytes `from` to before `to`. */
export interface Section {
  from: number;
  to: number;
}

export function requestedRange(header: string | undefined): RequestedRange | null {
  const [matched, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (matched === undefined || (first === '' && last === '')) return null;
  if (first === '') return { last: Number(last) };
  if (last === '') return { from: Number(first), to: null };
  return Number(last) < Number(first) ? null : { from: Number(first), to: Number(last) + 1 };
}

/** What the range is of `size` bytes. @throws Problem `range_not_satisfiable`, with `size` */
export function sectionOf(range: RequestedRange, size: number): Section {
  const section = 'last' in range ? { from: Math.max(0, size - range.last), to: size } : { from: range.from, to: Math.min(range.to ?? size, size) };
  if (section.from >= section.to) throw new Problem('range_not_satisfiable', `There are ${size} bytes.`, { size });
  return section;
}
