/**
 * Nest's transport over NATS, with what the stock one gets wrong put right: it listens only when the server knows the
 * subscriptions, and it closes without losing what it has begun.
 */
import { Problem } from '@kgpu/contracts';
import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import { lastValueFrom, isObservable } from 'rxjs';
import type { Logger } from 'pino';
import type { Envelope } from './answers.ts';
import type { WireReply } from './nats-bus.ts';

/** Messages under way at once; more are refused, so that a flood can't fill the memory. */
const MAX_IN_FLIGHT = 1_000;
const DRAIN_DEADLINE_MS = 10_000;

export class NatsServiceStrategy extends Server implements CustomTransportStrategy {
  readonly #subscriptions: Subscription[] = [];
  readonly #inFlight = new Set<Promise<void>>();

  constructor(
    private readonly connection: NatsConnection,
    /** Replicas of one service share its messages. */
    private readonly queue: string,
    private readonly log: Logger,
  ) {
    super();
  }

  async listen(callback: (error?: unknown) => void): Promise<void> {
    for (const subject of this.messageHandlers.keys()) {
      this.#subscriptions.push(this.connection.subscribe(subject, { queue: this.queue, callback: (error, message) => {
        if (error === null) this.#take(subject, message);
      } }));
    }
    await this.connection.flush();
    callback();
  }

  async close(): Promise<void> {
    if (!this.connection.isClosed()) await Promise.all(this.#subscriptions.splice(0).map((subscription) => subscription.drain()));
    const drained = Promise.allSettled(this.#inFlight);
    await Promise.race([drained, new Promise((resolve) => setTimeout(resolve, DRAIN_DEADLINE_MS).unref())]);
    if (!this.connection.isClosed()) await this.connection.flush();
  }

  override on(): void {}

  override unwrap<T>(): T {
    return this.connection as T;
  }

  #take(subject: string, message: Msg): void {
    if (this.#inFlight.size >= MAX_IN_FLIGHT) {
      this.#respond(message, { problem: new Problem('service_unavailable', `${this.queue} has too much to do`, { retry_after_seconds: 1 }) });
      return;
    }
    const work = this.#answer(subject, message).then((reply) => this.#respond(message, reply)).finally(() => this.#inFlight.delete(work));
    this.#inFlight.add(work);
  }

  async #answer(subject: string, message: Msg): Promise<WireReply> {
    try {
      const envelope = readEnvelope(message.data);
      const result: unknown = await this.messageHandlers.get(subject)!(envelope, undefined);
      return { reply: isObservable(result) ? await lastValueFrom(result) : result };
    } catch (error) {
      return { problem: error instanceof Problem ? error : new Problem('internal_error') };
    }
  }

  #respond(message: Msg, wire: WireReply): void {
    const bytes = Buffer.from(JSON.stringify(wire));
    const limit = this.connection.info?.max_payload ?? Infinity;
    try {
      if (bytes.length <= limit) message.respond(bytes);
      else message.respond(JSON.stringify({ problem: new Problem('bad_reply', `The answer has ${bytes.length} bytes; the bus takes ${limit}. Ask for less.`) }));
    } catch (error) {
      this.log.warn({ err: error, subject: message.subject }, 'an answer could not be sent');
    }
  }
}

function readEnvelope(bytes: Uint8Array): Envelope {
  try {
    const envelope = JSON.parse(Buffer.from(bytes).toString()) as Partial<Envelope>;
    if (typeof envelope.meta?.request_id === 'string') return envelope as Envelope;
  } catch {
    // Told below, like an envelope without meta.
  }
  throw new Problem('invalid_request', 'The message is not one of kgpu.');
}
