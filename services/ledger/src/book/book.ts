/**
 * The ledger's view of the log: a fold over facts, in the order in which they were recorded. The same facts give the same
 * book, whenever and wherever they are read: it knows no clock and no settings.
 */
import type { EventData, KgpuEvent } from '@kgpu/contracts';
import { meetDeadlines, newAccount, nextOf, type Account } from './account.ts';
import { unitsUntil, type Rental } from './rental.ts';

/** How a replay may read history otherwise. */
export interface BookRules {
  /** Return idle GPUs after this time, by this fold itself. The live book leaves that to RentalReturnDue. */
  idleReturnMs: number;
  /** When a rental is charged: as it was recorded; or anew, at its recorded end or at the first deadline that it meets. */
  charges: 'recorded' | 'at_end' | 'at_deadline';
  /** False: a balance may fall below zero. */
  exhaustion: boolean;
}

export const liveRules: BookRules = { idleReturnMs: Infinity, charges: 'recorded', exhaustion: true };

export class Book {
  readonly accounts = new Map<number, Account>();
  /** Started and not charged yet, by gpu_id. */
  readonly rentals = new Map<string, Rental>();
  /** Requested and not started: their models. */
  readonly pending = new Map<string, string>();
  readonly #models = new Map<string, string>();

  constructor(readonly rules: BookRules = liveRules) {}

  /** Takes in the next fact. Returns whose money or deadlines it may have changed. */
  apply(event: KgpuEvent, id: string, position: number): Account | null {
    switch (event.type) {
      case 'UserRegistered':
        return this.#registered(event.data);
      case 'AccountOpened':
        return this.#opened(event.data, id, position);
      case 'CreditsGranted':
        return this.#granted(event.data, id);
      case 'RentalReturnDue':
        return this.#returnDue(event.data, id);
      case 'RentalCharged':
        return this.#charged(event.data, id);
      case 'RentalRequested':
        this.pending.set(event.data.gpu_id, this.#model(event.data.gpu_model));
        return null;
      case 'RentalStarted':
        return this.#started(event.data, id);
      case 'RentalEnded':
        return this.#ended(event.data, id);
      case 'RunRequested':
        return this.#runRequested(event.data, id);
      case 'RunEnded':
        return this.#runEnded(event.data, id);
      default:
        return null;
    }
  }

  /** Every account, at the instant `at`: deadlines that follow from the facts are met. */
  meetAllDeadlines(at: number): void {
    for (const account of this.accounts.values()) this.settle(account, at);
  }

  /** Meets the deadlines of an account before `at`. Cheap while nothing is due: the next one is remembered. */
  settle(account: Account, at: number): void {
    if (account.quietUntil < at) {
      const payer = this.rules.exhaustion ? account : unlimited(account);
      const met = meetDeadlines(payer, at, this.rules.idleReturnMs);
      account.quietUntil = nextOf(payer, this.rules.idleReturnMs)?.at ?? Infinity;
      if (this.rules.charges === 'at_deadline') for (const rental of met) this.#settleCharge(account, rental);
    }
    if (at > account.asOf) account.asOf = at;
  }

  #registered({ user_id, at }: EventData<'UserRegistered'>): Account {
    const account = this.#account(user_id);
    account.registeredAt ??= Date.parse(at);
    return account;
  }

  #opened(data: EventData<'AccountOpened'>, id: string, position: number): Account {
    const account = this.#account(data.user_id);
    account.openedAt = Date.parse(data.at);
    account.openedPosition = position;
    account.startingUnits = data.units;
    return this.#fund(account, data, id);
  }

  #granted(data: EventData<'CreditsGranted'>, id: string): Account {
    const account = this.#account(data.user_id);
    this.settle(account, Date.parse(data.at));
    return this.#fund(account, data, id);
  }

  #fund(account: Account, data: EventData<'AccountOpened'>, id: string): Account {
    account.granted += data.units;
    account.grantId = id;
    account.quietUntil = -Infinity;
    return linked(account, data, id);
  }

  #returnDue(data: EventData<'RentalReturnDue'>, id: string): Account {
    const account = this.#account(data.user_id);
    const rental = this.rentals.get(data.gpu_id);
    if (rental !== undefined) rental.due = { at: Date.parse(data.due_at), reason: data.reason, eventId: id, why: data.why };
    account.quietUntil = -Infinity;
    return linked(account, data, id);
  }

  #charged(data: EventData<'RentalCharged'>, id: string): Account {
    const account = this.#account(data.user_id);
    if (this.rules.charges === 'recorded') {
      account.charged += data.units;
      this.#remove(account, data.gpu_id);
      if (data.waived_minutes > 0) account.quietUntil = -Infinity;
    }
    return linked(account, data, id);
  }

  #started(data: EventData<'RentalStarted'>, id: string): Account {
    const account = this.#account(data.user_id);
    const startedAt = Date.parse(data.at);
    this.settle(account, startedAt);
    const rental: Rental = {
      gpuId: data.gpu_id, userId: data.user_id, gpuModel: this.pending.get(data.gpu_id) ?? 'unknown', pricePerHourCredits: data.price_per_hour_credits,
      startedAt, startedId: id, expiresAt: Date.parse(data.expires_at), activeRuns: 0, idleSince: startedAt, idleId: id, idleRun: null, due: null, end: null,
    };
    this.pending.delete(data.gpu_id);
    this.rentals.set(data.gpu_id, rental);
    account.rentals.push(rental);
    account.quietUntil = -Infinity;
    return account;
  }

  #ended(data: EventData<'RentalEnded'>, id: string): Account | null {
    this.pending.delete(data.gpu_id);
    const rental = this.rentals.get(data.gpu_id);
    if (rental === undefined || rental.end !== null) return null;
    const account = this.#account(data.user_id);
    const at = Date.parse(data.at);
    this.settle(account, at);
    // A replay may have charged it when its deadline passed.
    if (this.rentals.get(data.gpu_id) === undefined) return account;
    rental.end = { at, reason: data.reason, eventId: id };
    account.quietUntil = -Infinity;
    if (this.rules.charges !== 'recorded') this.#settleCharge(account, rental);
    return account;
  }

  #runRequested(data: EventData<'RunRequested'>, id: string): Account | null {
    const rental = this.rentals.get(data.gpu_id);
    if (rental === undefined) return null;
    const account = this.#account(rental.userId);
    const at = Date.parse(data.at);
    this.settle(account, at);
    rental.activeRuns++;
    active(rental, at, id, data.run_id);
    return account;
  }

  #runEnded(data: EventData<'RunEnded'>, id: string): Account | null {
    const rental = this.rentals.get(data.gpu_id);
    if (rental === undefined || rental.activeRuns === 0) return null;
    const account = this.#account(rental.userId);
    const at = Date.parse(data.at);
    this.settle(account, at);
    rental.activeRuns--;
    active(rental, at, id, data.run_id);
    account.quietUntil = Math.min(account.quietUntil, rental.idleSince + this.rules.idleReturnMs);
    return account;
  }

  #settleCharge(account: Account, rental: Rental): void {
    account.charged += unitsUntil(rental, Infinity);
    this.#remove(account, rental.gpuId);
  }

  #remove(account: Account, gpuId: string): void {
    if (!this.rentals.delete(gpuId)) return;
    account.rentals = account.rentals.filter((rental) => rental.gpuId !== gpuId);
  }

  #account(userId: number): Account {
    let account = this.accounts.get(userId);
    if (account === undefined) this.accounts.set(userId, (account = newAccount(userId)));
    return account;
  }

  /** One string for each model, however many rentals name it. */
  #model(name: string): string {
    const known = this.#models.get(name);
    if (known === undefined) this.#models.set(name, name);
    return known ?? name;
  }
}

function linked(account: Account, { at, hash }: { at: string; hash: string }, id: string): Account {
  account.lastId = id;
  account.hash = hash;
  account.asOf = Math.max(account.asOf, Date.parse(at));
  return account;
}

function active(rental: Rental, at: number, id: string, runId: string): void {
  if (at < rental.idleSince) return;
  rental.idleSince = at;
  rental.idleId = id;
  rental.idleRun = runId;
}

/** The same rentals, with credits without end. */
function unlimited(account: Account): Account {
  return { ...account, granted: Infinity };
}
