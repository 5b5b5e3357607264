/** How a request for the bytes of a run is answered: which part, with which status and headers. */
import { Problem } from '@kgpu/contracts';
import { requestedRange, sectionOf, type RequestedRange, type Section } from '../http/byte-range.ts';
import type { Extent } from './recorded-output.ts';
import type { LogSection } from './run-log.ts';

export interface LogRequest {
  isRunning: boolean;
  extent: Extent;
  follow: boolean;
  /** The header. */
  range: string | undefined;
}

export interface LogReply extends LogSection {
  status: 200 | 206;
  headers: Record<string, string>;
}

const bytesHeaders = { 'content-type': 'application/octet-stream', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', 'x-accel-buffering': 'no' };
/** The end of a range that nobody knows yet: who gets less goes on with another range, until there is none (416). */
const UNKNOWN_END = Number.MAX_SAFE_INTEGER;

/** @throws Problem `range_not_satisfiable` */
export function logReply({ isRunning, extent, follow, range }: LogRequest): LogReply {
  const { begin, size, hasGaps } = extent;
  // Between gaps of which nobody knows where they are, ranges would not be where they say.
  const wanted = hasGaps ? null : requestedRange(range);
  if (isRunning && follow && isOpen(wanted)) return followed(wanted, extent);
  if (wanted === null) {
    const isWhole = !isRunning && begin === 0 && !hasGaps;
    const headers = { ...bytesHeaders, 'accept-ranges': hasGaps ? 'none' : 'bytes', ...(isWhole && { 'content-length': String(size) }) };
    return { status: 200, headers, from: null, to: null, follow: false };
  }
  const { from, to } = leftOf(sectionOf(wanted, size), extent);
  const headers = { ...bytesHeaders, 'content-range': `bytes ${from}-${to - 1}/${isRunning ? '*' : size}`, 'content-length': String(to - from) };
  return { status: 206, headers, from, to, follow: false };
}

/** Bytes may be gone, the oldest or some in between: `Content-Range` says where those begin and end that are sent. */
function leftOf(section: Section, { begin, end, size }: Extent): Section {
  const [from, to] = [Math.max(section.from, begin), Math.min(section.to, end)];
  if (from >= to) throw new Problem('range_not_satisfiable', `These bytes were dropped; what is left goes on at ${begin}, of ${size}.`, { size, first: begin });
  return { from, to };
}

function followed(wanted: RequestedRange | null, { begin, size }: Extent): LogReply {
  if (wanted === null) return { status: 200, headers: bytesHeaders, from: null, to: null, follow: true };
  const from = Math.max(begin, 'last' in wanted ? size - wanted.last : wanted.from);
  return { status: 206, headers: { ...bytesHeaders, 'content-range': `bytes ${from}-${UNKNOWN_END}/*` }, from, to: null, follow: true };
}

/** A range with an end is not worth following. */
function isOpen(wanted: RequestedRange | null): boolean {
  return wanted === null || 'last' in wanted || wanted.to === null;
}
