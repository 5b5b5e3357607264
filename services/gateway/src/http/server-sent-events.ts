/** Server-Sent Events (HTML, 9.2): how they are written, and where a client that comes back goes on. */
import type { IncomingHttpHeaders } from 'node:http';
import { invalidRequest } from './parse-input.ts';
import { Result } from './result.ts';

export interface SentEvent {
  /** Survives everything: a client that sends it as `Last-Event-ID` gets what came after. */
  id: string;
  event: string;
  data: object;
}

/** How long a stream is silent at most: proxies cut what is silent for a minute. */
export const HEARTBEAT_MS = 15_000;
export const heartbeat = ':\n\n';
export const eventStreamHeaders = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };

/** For a client that has seen the end: another end of a stream would make an EventSource come back for ever, 204 stops it (HTML, 9.2.3). */
export const nothingMore = new Result(null, 204);

export function sentEvent({ id, event, data }: SentEvent): string {
  return `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** What the client had last, read by `parse`; null when it begins. @throws Problem `invalid_request` when `parse` finds no sense in it. */
export function lastEventId<T>({ 'last-event-id': given }: IncomingHttpHeaders, parse: (id: string) => T | null): T | null {
  if (given === undefined || given === '') return null;
  const parsed = parse(String(given));
  if (parsed === null) throw invalidRequest([{ pointer: '/headers/last-event-id', message: 'must be the id of an event of this stream' }]);
  return parsed;
}
