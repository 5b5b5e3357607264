/** How a request for the bytes of a run is answered: which part, with which status and headers. */
import { requestedRange, sectionOf, type RequestedRange } from '../http/byte-range.ts';

export interface LogRequest {
  isRunning: boolean;
  /** Bytes were dropped before they could be recorded. */
  isTruncated: boolean;
  /** Bytes that there are now. */
  size: number;
  follow: boolean;
  /** The header. */
  range: string | undefined;
}

export interface LogReply {
  status: 200 | 206;
  headers: Record<string, string>;
  from: number;
  /** The byte before which to stop; null: at the end of the run. */
  to: number | null;
}

const bytesHeaders = { 'content-type': 'application/octet-stream', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', 'x-accel-buffering': 'no' };
/** The end of a range that nobody knows yet: who gets less goes on with another range, until there is none (416). */
const UNKNOWN_END = Number.MAX_SAFE_INTEGER;

/** @throws Problem `range_not_satisfiable` */
export function logReply({ isRunning, isTruncated, size, follow, range }: LogRequest): LogReply {
  // Where bytes were dropped, ranges of what is left would not be where they say.
  const wanted = isTruncated ? null : requestedRange(range);
  if (isRunning && follow && isOpen(wanted)) return followed(wanted, size);
  if (wanted === null) {
    const isWhole = !isRunning && !isTruncated;
    const headers = { ...bytesHeaders, 'accept-ranges': isTruncated ? 'none' : 'bytes', ...(isWhole && { 'content-length': String(size) }) };
    return { status: 200, headers, from: 0, to: size };
  }
  const { from, to } = sectionOf(wanted, size);
  const headers = { ...bytesHeaders, 'content-range': `bytes ${from}-${to - 1}/${isRunning ? '*' : size}`, 'content-length': String(to - from) };
  return { status: 206, headers, from, to };
}

function followed(wanted: RequestedRange | null, size: number): LogReply {
  if (wanted === null) return { status: 200, headers: bytesHeaders, from: 0, to: null };
  const from = 'last' in wanted ? Math.max(0, size - wanted.last) : wanted.from;
  return { status: 206, headers: { ...bytesHeaders, 'content-range': `bytes ${from}-${UNKNOWN_END}/*` }, from, to: null };
}

/** A range with an end is not worth following. */
function isOpen(wanted: RequestedRange | null): boolean {
  return wanted === null || 'last' in wanted || wanted.to === null;
}
