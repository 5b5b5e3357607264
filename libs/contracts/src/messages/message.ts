import type { z } from 'zod';

export type ServiceName = 'rental' | 'runner' | 'ledger' | 'files';

/** A command or query on the bus: who answers it and the shapes that cross. Refusals come back as a `Problem`. */
export interface Message<Request extends z.ZodType = z.ZodType, Reply extends z.ZodType = z.ZodType> {
  name: string;
  service: ServiceName;
  /** A command changes something and may be repeated with the same `command_id`; a query changes nothing. */
  kind: 'command' | 'query';
  /** NATS subject: `kgpu.<service>.<name>`. */
  subject: string;
  request: Request;
  reply: Reply;
}

export type RequestOf<M extends Message> = z.input<M['request']>;
/** A request as its answerer gets it: parsed, defaults filled in. */
export type Asked<M extends Message> = z.output<M['request']>;
export type ReplyOf<M extends Message> = z.output<M['reply']>;

export function define<Req extends z.ZodType, Rep extends z.ZodType>(
  service: ServiceName, kind: 'command' | 'query', name: string, request: Req, reply: Rep,
): Message<Req, Rep> {
  return { name, service, kind, subject: `kgpu.${service}.${name}`, request, reply };
}

/**
 * Travels with every message. `min_position`: the answer must know the log at least up to there (read your own writes).
 * `deadline_ms`: how long the caller waits, from its sending on; work beyond that is for nobody. `traceparent`: the trace
 * that the caller is part of (W3C Trace Context).
 */
export interface MessageMeta {
  request_id: string;
  min_position?: number;
  deadline_ms?: number;
  traceparent?: string;
}
