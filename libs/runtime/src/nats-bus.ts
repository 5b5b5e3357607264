/** Commands and queries over NATS request/reply, with a deadline on each and a `Problem` for everything that can go wrong. */
import { Problem, type Message, type ReplyOf } from '@kgpu/contracts';
import { connect, errors, type NatsConnection } from '@nats-io/transport-node';
import type { Logger } from 'pino';
import type { Bus } from './service.ts';

const DEFAULT_DEADLINE_MS = 5_000;
const PING_DEADLINE_MS = 2_000;

export interface NatsBus extends Bus {
  readonly connection: NatsConnection;
  close(): Promise<void>;
}

/** A reply on the wire: one of the two. */
export type WireReply = { reply: unknown } | { problem: unknown };

/**
 * Connects, and reconnects for ever once connected: a service must not stay deaf after an outage of the server.
 * @throws Error when the server can't be reached now.
 */
export async function connectBus({ url, log, name }: { url: string; log: Logger; name?: string }): Promise<NatsBus> {
  const connection = await connect({
    servers: url, name: name ?? 'kgpu', maxReconnectAttempts: -1, reconnectTimeWait: 250, pingInterval: 10_000, maxPingOut: 2, timeout: 5_000,
  });
  let connected = true;
  void (async () => {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') log.warn('the bus is not connected; trying again');
      if (type === 'reconnect') log.info('the bus is connected again');
      if (type === 'disconnect' || type === 'close') connected = false;
      if (type === 'reconnect') connected = true;
    }
  })();

  return {
    connection,
    async ask(message, request, { requestId, minPosition, deadlineMs = DEFAULT_DEADLINE_MS }) {
      if (!connected) throw unavailable(message);
      const meta = { request_id: requestId, ...(minPosition === undefined ? {} : { min_position: minPosition }) };
      try {
        const answer = await connection.request(message.subject, JSON.stringify({ request, meta }), { timeout: deadlineMs });
        return readReply(message, answer.data);
      } catch (error) {
        throw asProblem(message, error, connected);
      }
    },
    async ping() {
      if (!connected) throw new Error('not connected');
      const timeout = AbortSignal.timeout(PING_DEADLINE_MS);
      const late = new Promise<never>((_, reject) => timeout.addEventListener('abort', () => reject(new Error('no answer in time'))));
      return Promise.race([connection.rtt(), late]);
    },
    async close() {
      await connection.close();
    },
  };
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
