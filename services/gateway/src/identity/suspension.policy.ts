/**
 * Takes away what a suspended user has: tokens are revoked, GPUs returned. Driven by what is the case and not by the event, so
 * that a crash, or a part that is down, delays it and never loses it.
 */
import { EndRental, type KgpuEvent } from '@kgpu/contracts';
import type { ServiceContext } from '@kgpu/runtime';
import { newCommand } from '../requests/command.ts';
import type { Credentials } from './credentials.projection.ts';
import type { Identity } from './identity.ts';
import type { People } from './people.projection.ts';

const LOOK_MS = 5_000;

export class SuspensionPolicy {
  readonly #suspended = new Set<number>();
  readonly #work = new Map<number, Promise<void>>();
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(
    private readonly context: ServiceContext,
    private readonly people: People,
    private readonly credentials: Credentials,
    private readonly identity: Identity,
  ) {}

  /** To be told after the projections. */
  apply(event: KgpuEvent): void {
    if (event.type === 'UserStatusChanged' || event.type === 'UserRegistered') {
      if (event.data.status === 'suspended') this.#suspended.add(event.data.user_id);
      else this.#suspended.delete(event.data.user_id);
    }
    if (event.type === 'UserStatusChanged' || event.type === 'TokenIssued' || event.type === 'RentalRequested') this.#settle(event.data.user_id);
  }

  /** From now on it acts, on what was the case before, too. */
  start(): void {
    const look = () => this.#suspended.forEach((userId) => this.#settle(userId));
    this.#timer = setInterval(look, LOOK_MS).unref();
    look();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer ?? undefined);
    await Promise.all(this.#work.values());
  }

  #settle(userId: number): void {
    if (this.#timer === null || this.#closed || !this.#suspended.has(userId) || this.#work.has(userId)) return;
    if (!this.credentials.hasGoodTokens(userId) && this.credentials.rentalsOf(userId).length === 0) return;
    const work = this.#takeAway(userId)
      .catch((error: unknown) => this.context.log.warn({ err: error, user_id: userId }, 'a suspended user still has tokens or GPUs; trying again'))
      .finally(() => this.#work.delete(userId));
    this.#work.set(userId, work);
  }

  async #takeAway(userId: number): Promise<void> {
    await this.identity.revokeTokens(userId, newCommand(this.context.clock.now()).id);
    for (const gpuId of this.credentials.rentalsOf(userId)) {
      if (this.#closed || !this.people.isSuspended(userId)) return;
      await this.context.bus.ask(EndRental, {
        command_id: `user-suspended:${gpuId}`, gpu_id: gpuId, user_id: null, reason: 'user_suspended', at: null, message: null,
      }, { requestId: `user-suspended-${gpuId}` });
    }
  }
}
