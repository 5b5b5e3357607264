/** The money and the running rentals of every user, in memory. What it says follows from the log alone, so a restart says the same. */
import type { AccountEvent, EventData, KgpuEvent } from '@kgpu/contracts';
import { accountDecider, type AccountState, type Charge } from './account.ts';
import { chargedUntil, nextDeadline, standingAt, type Deadline, type Holding, type Standing } from './deadlines.ts';
import type { RunningRental } from './out-of-credits.ts';

interface Started extends RunningRental {
  /** Id of its RentalStarted. */
  eventId: string;
}

interface User {
  account: AccountState;
  running: Map<string, Started>;
  /** Charges of ended rentals that are not recorded yet, by gpu_id. */
  due: Map<string, Charge>;
}

export interface DueCharge {
  userId: number;
  charge: Charge;
}

export class Accounts {
  readonly #users = new Map<number, User>();
  readonly #unopened = new Set<number>();
  readonly #due = new Map<string, DueCharge>();

  /** Returns whose deadlines may have moved; null for an event that moves none. */
  apply(event: KgpuEvent, eventId: string): number | null {
    switch (event.type) {
      case 'UserRegistered':
        this.#user(event.data.user_id);
        return null;
      case 'AccountOpened':
      case 'CreditsGranted':
      case 'RentalCharged':
        return this.#applyMoney(event);
      case 'RentalStarted':
        return this.#start(event.data, eventId);
      case 'RentalEnded':
        return this.#end(event.data, eventId);
      default:
        return null;
    }
  }

  /** Registered, or seen with a rental. */
  knows(userId: number): boolean {
    return this.#users.has(userId);
  }

  account(userId: number): AccountState {
    return this.#users.get(userId)?.account ?? accountDecider.initial;
  }

  /** Users who need an account. */
  unopened(): number[] {
    return [...this.#unopened];
  }

  /** Ended rentals whose charge is not recorded. */
  due(): DueCharge[] {
    return [...this.#due.values()];
  }

  *usersWithRunning(): Iterable<number> {
    for (const [userId, { running }] of this.#users) if (running.size > 0) yield userId;
  }

  /** What the account holds, running rentals beside it; an account that is about to be opened can't run out. */
  holding(userId: number): Holding {
    const user = this.#users.get(userId);
    return user === undefined ? { units: 0, running: [] } : holdingOf(user);
  }

  standing(userId: number, now: Date): Standing {
    return standingAt(this.holding(userId), now);
  }

  /** Charges that are known but not in the recorded units: of running rentals until `now`, and of those that just ended. */
  unrecordedUnits(userId: number, now: Date): number {
    const account = this.account(userId);
    return account.status === 'none' ? 0 : account.units - this.standing(userId, now).units;
  }

  /** Charges of the user's rentals that have ended, not recorded yet. */
  dueOf(userId: number): Charge[] {
    return [...(this.#users.get(userId)?.due.values() ?? [])];
  }

  deadline(userId: number): Deadline | null {
    return nextDeadline(this.holding(userId));
  }

  #user(userId: number): User {
    const known = this.#users.get(userId);
    if (known !== undefined) return known;
    const user: User = { account: accountDecider.initial, running: new Map(), due: new Map() };
    this.#users.set(userId, user);
    this.#unopened.add(userId);
    return user;
  }

  #applyMoney(event: AccountEvent): number {
    const { user_id } = event.data;
    const user = this.#user(user_id);
    user.account = accountDecider.evolve(user.account, event);
    this.#unopened.delete(user_id);
    if (event.type === 'RentalCharged') {
      user.due.delete(event.data.gpu_id);
      this.#due.delete(event.data.gpu_id);
    }
    return user_id;
  }

  #start(data: EventData<'RentalStarted'>, eventId: string): number {
    this.#user(data.user_id).running.set(data.gpu_id, {
      gpuId: data.gpu_id, startedAt: new Date(data.at), expiresAt: new Date(data.expires_at), pricePerHourCredits: data.price_per_hour_credits, eventId,
    });
    return data.user_id;
  }

  /** A rental that never started costs nothing. */
  #end({ user_id, gpu_id, at }: EventData<'RentalEnded'>, eventId: string): number | null {
    const user = this.#user(user_id);
    const rental = user.running.get(gpu_id);
    if (rental === undefined) return null;
    const { startedAt, pricePerHourCredits } = rental;
    const until = chargedUntil(holdingOf(user), gpu_id, startedAt, new Date(at));
    const charge: Charge = {
      gpuId: gpu_id, minutes: until.minutes, pricePerHourCredits,
      startedAt: startedAt.toISOString(), endedAt: until.at.toISOString(), causedBy: [rental.eventId, eventId],
    };
    user.running.delete(gpu_id);
    user.due.set(gpu_id, charge);
    this.#due.set(gpu_id, { userId: user_id, charge });
    return user_id;
  }
}

function holdingOf({ account, running, due }: User): Holding {
  const owed = [...due.values()].reduce((sum, { minutes, pricePerHourCredits }) => sum + minutes * pricePerHourCredits, 0);
  return { units: account.status === 'none' ? Infinity : account.units - owed, running: [...running.values()] };
}
