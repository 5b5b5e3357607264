/** Commands and queries over NATS request/reply, with a deadline on each and a `Problem` for everything that can go wrong. */
import { Problem, type Message, type MessageMeta, type ReplyOf } from '@kgpu/contracts';
import { connect, errors, type NatsConnection } from '@nats-io/transport-node';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Envelope } from './answers.ts';
import { busMetrics, type BusMetrics } from './bus-metrics.ts';
import { natsAddress, withoutCredentials } from './nats-address.ts';
import type { AskOptions, Bus } from './service.ts';
import { currentTraceparent } from './trace.ts';

const DEFAULT_DEADLINE_MS = 5_000;
const PING_DEADLINE_MS = 2_000;

export interface NatsBus extends Bus {
  readonly connection: NatsConnection;
  close(): Promise<void>;
}

/** A reply on the wire: one of the two. */
export type WireReply = { reply: unknown } | { problem: unknown };

export interface BusOptions {
  url: string;
  log: Logger;
  /** Names the connection to operators of the server. */
  name?: string;
  metrics?: Registry;
}

/**
 * Connects, and reconnects for ever once connected: a service must not stay deaf after an outage of the server.
 * @throws BusUnreachable when the server can't be reached now.
 */
export async function connectBus({ url, log, name = 'kgpu', metrics }: BusOptions): Promise<NatsBus> {
  const connection = await connect({
    ...natsAddress(url), name, maxReconnectAttempts: -1, reconnectTimeWait: 250, pingInterval: 10_000, maxPingOut: 2, timeout: 5_000,
  }).catch((cause: unknown) => {
    if (cause instanceof errors.AuthorizationError) {
      throw new BusUnreachable(`The NATS server at ${withoutCredentials(url)} does not take these credentials: KGPU_NATS_URL is nats://user:password@host:port or nats://token@host:port.`, { cause });
    }
    throw new BusUnreachable(`No NATS server answers at ${withoutCredentials(url)}. Start it, or set KGPU_NATS_URL to one that runs.`, { cause });
  });
  const connected = watchConnection(connection, log);
  const measured = metrics === undefined ? null : busMetrics(metrics);
  return {
    connection,
    async ask(message, request, options) {
      const deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS;
      return measure(measured, message, async () => {
        if (!connected()) throw unavailable(message);
        const bytes = encode(connection, { request, meta: metaOf(options, deadlineMs) });
        try {
          return readReply(message, (await connection.request(message.subject, bytes, { timeout: deadlineMs })).data);
        } catch (error) {
          throw asProblem(message, error, connected());
        }
      });
    },
    async ping() {
      if (!connected()) throw new Error('not connected');
      const timeout = AbortSignal.timeout(PING_DEADLINE_MS);
      const late = new Promise<never>((_, reject) => timeout.addEventListener('abort', () => reject(new Error('no answer in time'))));
      return Promise.race([connection.rtt(), late]);
    },
    close: () => connection.close(),
  };
}

/** A sentence for operators. */
export class BusUnreachable extends Error {
  override readonly name = 'BusUnreachable';
}

/** Says what happens to the connection; the result tells whether it stands now. */
function watchConnection(connection: NatsConnection, log: Logger): () => boolean {
  let connected = true;
  void (async () => {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') log.warn('the bus is not connected; trying again');
      if (status.type === 'reconnect') log.info('the bus is connected again');
      if (status.type === 'error') log.warn({ err: status.error }, 'the bus complains');
      if (status.type === 'disconnect' || status.type === 'close') connected = false;
      if (status.type === 'reconnect') connected = true;
    }
  })();
  return () => connected;
}

function metaOf({ requestId, minPosition }: AskOptions, deadlineMs: number): MessageMeta {
  const traceparent = currentTraceparent();
  return {
    request_id: requestId, deadline_ms: deadlineMs,
    ...(minPosition === undefined ? {} : { min_position: minPosition }), ...(traceparent === undefined ? {} : { traceparent }),
  };
}

function encode(connection: NatsConnection, envelope: Envelope): Buffer {
  const bytes = Buffer.from(JSON.stringify(envelope));
  const limit = connection.info?.max_payload ?? Infinity;
  if (bytes.length > limit) throw new Problem('payload_too_large', `The request has ${bytes.length} bytes on the bus, which takes ${limit}.`);
  return bytes;
}

async function measure<T>(metrics: BusMetrics | null, message: Message, ask: () => Promise<T>): Promise<T> {
  const began = performance.now();
  let outcome = 'ok';
  try {
    return await ask();
  } catch (error) {
    outcome = error instanceof Problem ? error.code : 'internal_error';
    throw error;
  } finally {
    metrics?.asked.observe({ message: message.name, outcome }, (performance.now() - began) / 1_000);
  }
}

function readReply<M extends Message>(message: M, bytes: Uint8Array): ReplyOf<M> {
  const wire = JSON.parse(Buffer.from(bytes).toString()) as WireReply;
  if ('reply' in wire) return wire.reply as ReplyOf<M>;
  throw Problem.fromJSON(wire.problem) ?? new Problem('bad_reply', `${message.service} answered ${message.name} with something unknown`);
}

function asProblem(message: Message, error: unknown, connected: boolean): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof errors.NoRespondersError || !connected) return unavailable(message, error);
  const cause = { cause: error };
  if (error instanceof errors.RequestError && error.cause instanceof errors.NoRespondersError) return unavailable(message, error);
  if (error instanceof errors.TimeoutError) return new Problem('service_timeout', `${message.service} did not answer in time`, { retry_after_seconds: 2 }, cause);
  if (error instanceof errors.ClosedConnectionError || error instanceof errors.DrainingConnectionError) return unavailable(message, error);
  return new Problem('bad_reply', `${message.service} gave no usable answer`, {}, cause);
}

function unavailable(message: Message, cause?: unknown): Problem {
  return new Problem('service_unavailable', `${message.service} is not running`, { retry_after_seconds: 2 }, { cause });
}
