/**
 * Keeps this replica's lease, and learns of those of the others. A lease is worth its time from when it was heard of, so that
 * the clocks of machines don't matter; one that is found at the start, from when it was recorded.
 */
import { randomUUID } from 'node:crypto';
import { eventCodec, type LeaseEvent } from '@kgpu/contracts';
import type { RecordedEvent, Subscription } from '@kgpu/event-store';
import type { ServiceContext } from '@kgpu/runtime';
import type { Replicas } from './replicas.ts';

const SERVICE = 'runner';
/** Together with the look below and the poll of a subscription, a replica that dies has handed over well within 10 s. */
const TTL_MS = 6_000;
const RENEW_MS = 2_000;
const LOOK_MS = 500;
/** Old renewals say nothing; so many may lie about. */
const KEPT_RENEWALS = 30;

export class LeasePolicy {
  readonly #stream: string;
  readonly #timers: NodeJS.Timeout[] = [];
  #subscription: Subscription | null = null;
  #renewing: Promise<void> = Promise.resolve();
  #alive = '';

  constructor(
    private readonly context: ServiceContext,
    private readonly replicas: Replicas,
    /** Told when a replica has come or gone. */
    private readonly onChange: () => void,
  ) {
    this.#stream = `lease-${SERVICE}.${replicas.own}`;
  }

  /** Resolves when our lease is on record, and those of the others are known. */
  async start(): Promise<void> {
    const { expiring } = this.context;
    await this.#renew();
    this.#subscription = expiring.subscribe({ categories: ['lease'], types: ['LeaseRenewed', 'LeaseReleased'] }, (recorded) => this.#apply(recorded));
    await this.#subscription.caughtUp;
    this.#look();
    this.#timers.push(setInterval(() => (this.#renewing = this.#renew()), RENEW_MS), setInterval(() => this.#look(), LOOK_MS));
  }

  /** Gives the lease back, so that others take over at once. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#renewing;
    await this.#subscription?.stop();
    await this.#record({ type: 'LeaseReleased', data: { service: SERVICE, replica: this.replicas.own } }).catch(() => undefined);
  }

  #apply(recorded: RecordedEvent): void {
    const event = eventCodec.decode<LeaseEvent>(recorded);
    const { service, replica } = event.data;
    if (service !== SERVICE) return;
    const ageMs = Math.max(0, Date.now() - Date.parse(recorded.recorded_at));
    const heardAt = performance.now() - (this.#timers.length === 0 ? ageMs : 0);
    if (event.type === 'LeaseRenewed') this.replicas.renewed(replica, event.data.ttl_ms, heardAt);
    else this.replicas.released(replica);
    if (this.#timers.length > 0) this.#look();
  }

  #look(): void {
    const alive = this.replicas.alive(performance.now()).join(' ');
    if (alive === this.#alive) return;
    if (this.#alive !== '') this.context.log.info({ replicas: alive }, 'the replicas of the runner have changed');
    this.#alive = alive;
    this.onChange();
  }

  /** Never rejects: a lease that can't be renewed for long is taken over, which is what it is for. */
  async #renew(): Promise<void> {
    try {
      const revision = await this.#record({ type: 'LeaseRenewed', data: { service: SERVICE, replica: this.replicas.own, ttl_ms: TTL_MS } });
      if (revision % KEPT_RENEWALS === 0) await this.context.expiring.truncate(this.#stream, revision);
    } catch (error) {
      this.context.log.warn({ err: error }, 'the lease could not be renewed; trying again');
    }
  }

  async #record(event: LeaseEvent): Promise<number> {
    const { revision } = await this.context.expiring.append(this.#stream, [eventCodec.encode(event)], { expected: 'any', commitId: randomUUID() });
    return revision;
  }
}
