/**
 * Returns GPUs at their deadlines. Nothing is polled: one alarm waits for the earliest deadline of all accounts. That a return
 * is due is recorded first (by the settlement); then the rental service is asked, until the rental has ended, at the deadline,
 * however late that is.
 */
import { EndRental } from '@kgpu/contracts';
import type { Projection } from '@kgpu/runtime';
import { nextOf, type Account } from '../book/account.ts';
import type { Book } from '../book/book.ts';
import type { Alarm } from '../deadlines/alarm.ts';
import { DeadlineHeap } from '../deadlines/deadline-heap.ts';
import type { LedgerContext } from '../ledger-context.ts';
import type { SettlementPolicy } from './settlement.policy.ts';
import type { WorkQueue } from './work-queue.ts';

export class AutoReturnPolicy {
  readonly #deadlines = new DeadlineHeap<number>();

  constructor(
    private readonly context: LedgerContext,
    private readonly book: Book,
    private readonly projection: Projection,
    private readonly settlement: SettlementPolicy,
    private readonly alarm: Alarm,
    /** What is asked of the rental service, which may be down for long. */
    private readonly returns: WorkQueue,
  ) {}

  /** The facts of an account have changed: its deadline may have moved, its due rentals need a next step. `arm` sets the alarm. */
  look(account: Account): void {
    for (const { gpuId, due, end } of account.rentals) {
      if (due !== null && end === null) this.returns.add(`return ${gpuId}`, () => this.#end(gpuId));
    }
    const next = nextOf(account, this.context.config.KGPU_IDLE_RETURN);
    // One that has come is the settlement's business; the account is looked at again when it is recorded.
    this.#deadlines.set(account.userId, next === null || this.#hasCome(next.at) ? Infinity : next.at);
  }

  /** Waits for the earliest deadline. */
  arm(): void {
    const first = this.#deadlines.first();
    if (first === null) this.alarm.clear();
    else this.alarm.set(first.at, () => this.#ring());
  }

  close(): void {
    this.alarm.clear();
  }

  #ring(): void {
    // Without the newest facts nothing is decided about anybody's GPU.
    if (this.projection.halted !== null) return;
    for (let first = this.#deadlines.first(); first !== null && this.#hasCome(first.at); first = this.#deadlines.first()) {
      const account = this.book.accounts.get(first.key)!;
      this.#deadlines.delete(first.key);
      this.settlement.look(account);
      this.look(account);
    }
    this.arm();
  }

  #hasCome(at: number): boolean {
    return at <= this.context.clock.now().getTime();
  }

  async #end(gpuId: string): Promise<void> {
    const rental = this.book.rentals.get(gpuId);
    if (rental?.due == null || rental.end !== null) return;
    const { reason, at, why } = rental.due;
    const { position } = await this.context.bus.ask(EndRental, {
      command_id: `autoreturn:${gpuId}`, gpu_id: gpuId, user_id: null, reason, at: new Date(at).toISOString(), message: why,
    }, { requestId: `autoreturn-${gpuId}` });
    await this.projection.reached(position);
  }
}
