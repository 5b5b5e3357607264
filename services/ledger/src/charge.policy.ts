/**
 * Gives every user an account and every ended rental its charge. Driven by what the log says is missing and not by events, so
 * that a crash at any instant is healed at the next start. Every step may be repeated.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceContext } from '@kgpu/runtime';
import type { AccountRecord } from './account/account-record.ts';
import type { Accounts } from './account/accounts.projection.ts';

const RETRY_MS = 1_000;

export class ChargePolicy {
  readonly #stop = new AbortController();
  #work: Promise<void> | null = null;

  constructor(
    private readonly accounts: Accounts,
    private readonly record: AccountRecord,
    private readonly log: ServiceContext['log'],
  ) {}

  /** Looks for what is missing, unless it is at it: then it looks again before it rests. */
  look(): void {
    if (this.#work !== null || this.#stop.signal.aborted || !this.#missing()) return;
    this.#work = this.#settle().finally(() => {
      this.#work = null;
      this.look();
    });
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('closing'));
    await this.#work;
  }

  #missing(): boolean {
    return this.accounts.unopened().length > 0 || this.accounts.due().length > 0;
  }

  async #settle(): Promise<void> {
    try {
      for (const userId of this.accounts.unopened()) await this.#unlessClosing(() => this.record.open(userId));
      for (const { userId, charge } of this.accounts.due()) await this.#unlessClosing(() => this.record.charge(userId, charge));
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.log.warn({ err: error }, 'an account or a charge could not be recorded; trying again');
      await sleep(RETRY_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  async #unlessClosing(step: () => Promise<number>): Promise<void> {
    this.#stop.signal.throwIfAborted();
    await step();
  }
}
