/**
 * The trace that a client wants its request to be part of (W3C Trace Context): taken from its `traceparent` header, carried
 * by every message that the request causes, written into every log line as `trace_id`. Nothing is exported.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

const current = new AsyncLocalStorage<string>();
/** version - trace id - parent id - flags; versions after 00 may say more. */
const shape = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:$|-)/;
const MAX_LENGTH = 200;

/** The header when it is one that can be carried on; undefined for anything else, as the standard demands. */
export function readTraceparent(header: unknown): string | undefined {
  return typeof header === 'string' && header.length <= MAX_LENGTH && shape.test(header) && (!header.startsWith('00-') || header.length === 55) ? header : undefined;
}

/** Runs `act`, and whatever it waits for, as part of the trace. */
export function withTrace<T>(traceparent: string | undefined, act: () => T): T {
  return traceparent === undefined ? act() : current.run(traceparent, act);
}

export function currentTraceparent(): string | undefined {
  return current.getStore();
}

/** What a log line says about the trace. */
export function traceFields(traceparent = current.getStore()): { trace_id?: string } {
  const traceId = traceparent === undefined ? undefined : shape.exec(traceparent)?.[1];
  return traceId === undefined ? {} : { trace_id: traceId };
}
