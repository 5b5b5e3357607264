/**
 * Returns GPUs at their deadlines. Nothing is polled: one timer waits for the earliest deadline of all accounts. That a return
 * is due is recorded first; then the rental service is asked, until the rental has ended, at the deadline, however late that is.
 */
import { EndRental } from '@kgpu/contracts';
import type { Projection, ServiceContext } from '@kgpu/runtime';
import type { AccountRecord } from '../account/account-record.ts';
import { nextOf, type Account } from '../book/account.ts';
import type { Book } from '../book/book.ts';
import { DeadlineHeap } from '../deadlines/deadline-heap.ts';
import { evidenceOf } from '../deadlines/evidence.ts';
import type { NextReturn } from '../deadlines/next-return.ts';
import type { WorkQueue } from './work-queue.ts';

/** What setTimeout takes; longer waits are made of several. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class AutoReturnPolicy {
  readonly #deadlines = new DeadlineHeap<number>();
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(
    private readonly context: ServiceContext,
    private readonly book: Book,
    private readonly record: AccountRecord,
    private readonly projection: Projection,
    /** What is appended to accounts. */
    private readonly money: WorkQueue,
    /** What is asked of the rental service, which may be down for long. */
    private readonly returns: WorkQueue,
  ) {}

  /** The facts of an account have changed: its deadline may have moved, its due rentals need a next step. `arm` sets the timer. */
  look(account: Account): void {
    // Without the newest facts nothing is decided about anybody's GPU.
    if (this.projection.halted !== null) return;
    for (const { gpuId, due, end } of account.rentals) {
      if (due === null || end !== null) continue;
      if (due.eventId === null) this.money.add(`due ${gpuId}`, () => this.#recordDue(account, gpuId));
      else this.returns.add(`return ${gpuId}`, () => this.#end(gpuId));
    }
    const next = nextOf(account, this.#idleReturnMs);
    const passed = next !== null && this.#passed(next.at);
    this.#deadlines.set(account.userId, passed ? Infinity : (next?.at ?? Infinity));
    if (passed) this.money.add(`due ${next.rental.gpuId}`, () => this.#recordDue(account, next.rental.gpuId));
  }

  /** Waits for the earliest deadline. */
  arm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const first = this.#deadlines.first();
    if (first === null || this.#closed) return;
    const waitMs = Math.ceil(this.context.clock.wallMsUntil(new Date(first.at)));
    this.#timer = setTimeout(() => this.#ring(), Math.min(waitMs, LONGEST_TIMER_MS));
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  get #idleReturnMs(): number {
    return this.context.config.KGPU_IDLE_RETURN;
  }

  #ring(): void {
    for (let first = this.#deadlines.first(); first !== null && this.#passed(first.at); first = this.#deadlines.first()) {
      this.#deadlines.delete(first.key);
      this.look(this.book.accounts.get(first.key)!);
    }
    this.arm();
  }

  #passed(at: number): boolean {
    return this.context.clock.wallMsUntil(new Date(at)) <= 0;
  }

  /** Records that the return is due: again when a grant has moved the deadline, but not far enough. */
  async #recordDue(account: Account, gpuId: string): Promise<void> {
    for (let due = this.#dueOf(account, gpuId); due !== null; due = this.#dueOf(account, gpuId)) {
      const { why, caused_by } = evidenceOf(due.reason, account, due.rental, due.at);
      const dueAt = new Date(due.at).toISOString();
      await this.record.returnDue(account.userId, { gpuId, reason: due.reason, dueAt, why, causedBy: caused_by }, account.granted);
    }
    // Deadlines of the account's other rentals depend on this one.
    this.look(account);
    this.arm();
  }

  /** What is to be recorded of the rental, if anything. */
  #dueOf(account: Account, gpuId: string): NextReturn | null {
    const rental = this.book.rentals.get(gpuId);
    if (rental === undefined || rental.end !== null || rental.due?.eventId != null) return null;
    if (rental.due !== null) return { rental, ...rental.due };
    const next = nextOf(account, this.#idleReturnMs);
    return next?.rental === rental && this.#passed(next.at) ? next : null;
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
