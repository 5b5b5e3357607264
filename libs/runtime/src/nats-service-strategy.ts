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
import type { BusMetrics } from './bus-metrics.ts';
import type { WireReply } from './nats-bus.ts';
import { settledWithin } from './settled-within.ts';
import { withTrace } from './trace.ts';

/** Messages under way at once; more are refused, so that a flood can't fill the memory. */
const MAX_IN_FLIGHT = 1_000;
/** All services of a process end within 5 s, one after the other; who still waits then is told to ask again. */
const DRAIN_DEADLINE_MS = 1_000;
const FLUSH_DEADLINE_MS = 250;

export class NatsServiceStrategy extends Server implements CustomTransportStrategy {
  readonly #subscriptions: Subscription[] = [];
  readonly #inFlight = new Map<Msg, Promise<void>>();

  constructor(
    private readonly connection: NatsConnection,
    /** Replicas of one service share its messages. */
    private readonly queue: string,
    private readonly log: Logger,
    private readonly metrics: BusMetrics,
  ) {
    super();
  }

  async listen(callback: (error?: unknown) => void): Promise<void> {
    for (const subject of this.messageHandlers.keys()) {
      this.#subscriptions.push(this.connection.subscribe(subject, { queue: this.queue, callback: (error, message) => {
        if (error === null) this.#take(subject, message);
        else this.log.error({ err: error, subject }, 'the bus does not let this service listen');
      } }));
    }
    await this.connection.flush();
    callback();
  }

  /** Takes nothing new, finishes what is under way, and tells whoever waits for the rest to ask again. */
  async close(): Promise<void> {
    await settledWithin(DRAIN_DEADLINE_MS, this.#drain());
    for (const message of this.#inFlight.keys()) this.#respond(message, { problem: tryAgain(`${this.queue} is being stopped`) });
    this.#inFlight.clear();
    if (!this.connection.isClosed()) await settledWithin(FLUSH_DEADLINE_MS, this.connection.flush());
  }

  override on(): void {}

  override unwrap<T>(): T {
    return this.connection as T;
  }

  async #drain(): Promise<void> {
    const subscriptions = this.#subscriptions.splice(0);
    if (!this.connection.isClosed()) await Promise.all(subscriptions.map((subscription) => subscription.drain()));
    await Promise.all(this.#inFlight.values());
  }

  #take(subject: string, message: Msg): void {
    if (this.#inFlight.size >= MAX_IN_FLIGHT) {
      this.#respond(message, { problem: tryAgain(`${this.queue} has too much to do`) });
      return;
    }
    const work = this.#answer(subject, message).then((wire) => {
      // Gone when `close` has answered already.
      if (this.#inFlight.delete(message)) this.#respond(message, wire);
    });
    this.#inFlight.set(message, work);
  }

  async #answer(subject: string, message: Msg): Promise<WireReply> {
    const began = performance.now();
    let wire: WireReply;
    let deadlineMs = Infinity;
    try {
      const envelope = readEnvelope(message.data);
      deadlineMs = envelope.meta.deadline_ms ?? Infinity;
      wire = { reply: await withTrace(envelope.meta.traceparent, () => this.#handle(subject, envelope)) };
    } catch (error) {
      wire = { problem: error instanceof Problem ? error : new Problem('internal_error') };
    }
    const ms = performance.now() - began;
    const outcome = 'problem' in wire ? (wire.problem as Problem).code : 'ok';
    this.metrics.answered.observe({ service: this.queue, message: subject.split('.').at(-1)!, outcome }, ms / 1_000);
    if (ms > deadlineMs) this.log.warn({ subject, ms: Math.round(ms) }, 'answered after its caller had given up');
    return wire;
  }

  async #handle(subject: string, envelope: Envelope): Promise<unknown> {
    const result: unknown = await this.messageHandlers.get(subject)!(envelope, undefined);
    return isObservable(result) ? lastValueFrom(result) : result;
  }

  #respond(message: Msg, wire: WireReply): void {
    try {
      message.respond(this.#encode(wire));
    } catch (error) {
      this.log.warn({ err: error, subject: message.subject }, 'an answer could not be sent');
    }
  }

  #encode(wire: WireReply): Buffer {
    const bytes = Buffer.from(this.#stringify(wire));
    const limit = this.connection.info?.max_payload ?? Infinity;
    if (bytes.length <= limit) return bytes;
    return Buffer.from(JSON.stringify({ problem: new Problem('bad_reply', `The answer has ${bytes.length} bytes; the bus takes ${limit}. Ask for less.`) }));
  }

  #stringify(wire: WireReply): string {
    try {
      return JSON.stringify(wire);
    } catch (error) {
      this.log.error({ err: error }, 'an answer is not JSON');
      return JSON.stringify({ problem: new Problem('internal_error') });
    }
  }
}

function tryAgain(detail: string): Problem {
  return new Problem('service_unavailable', detail, { retry_after_seconds: 1 });
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
