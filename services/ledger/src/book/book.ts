/**
 * The ledger's view of the log: a fold over facts, in the order in which they were recorded. The same facts give the same
 * book, whenever and wherever they are read: it knows no clock and no settings.
 */
import type { EventData, KgpuEvent } from '@kgpu/contracts';
import { meetDeadlines, newAccount, nextOf, type Account } from './account.ts';
import { minutesUntil, unitsUntil, type Rental } from './rental.ts';

/** How a replay may read history otherwise. */
export interface BookRules {
  /**
   * What a rental costs: what was recorded; or what follows from its facts, worked out where its charge was recorded; or anew,
   * at the first deadline that it meets or its recorded end. Only the last one lets the fold meet deadlines by itself: history
   * as it was has them on record.
   */
  charges: 'recorded' | 'recomputed' | 'at_deadline';
  /** Return idle GPUs after this time, where deadlines are met. */
  idleReturnMs: number;
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
  /** Before this instant no deadline of the account comes. */
  readonly #quietUntil = new WeakMap<Account, number>();

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
        return this.#charged(event.data);
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

  /** Every account, at the instant `at`: the deadlines that have come by then are met. */
  meetAllDeadlines(at: number): void {
    for (const account of this.accounts.values()) this.#meetDeadlines(account, at);
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
    this.#reach(account, Date.parse(data.at));
    return this.#fund(account, data, id);
  }

  #fund(account: Account, data: EventData<'AccountOpened'>, id: string): Account {
    account.granted += data.units;
    account.grantId = id;
    this.#quietUntil.delete(account);
    return counted(account, data);
  }

  #returnDue(data: EventData<'RentalReturnDue'>, id: string): Account {
    const account = this.#account(data.user_id);
    const rental = this.rentals.get(data.gpu_id);
    if (rental !== undefined) rental.due = { at: Date.parse(data.due_at), reason: data.reason, eventId: id, why: data.why };
    return counted(account, data);
  }

  #charged(data: EventData<'RentalCharged'>): Account {
    const account = this.#account(data.user_id);
    switch (this.rules.charges) {
      case 'recorded':
        account.charged += data.units;
        this.#remove(account, data.gpu_id);
        break;
      case 'recomputed':
        this.#recompute(account, data.gpu_id);
        break;
      case 'at_deadline':
        break;
    }
    return counted(account, data);
  }

  #started(data: EventData<'RentalStarted'>, id: string): Account {
    const account = this.#account(data.user_id);
    const startedAt = Date.parse(data.at);
    this.#reach(account, startedAt);
    const rental: Rental = {
      gpuId: data.gpu_id, userId: data.user_id, gpuModel: this.pending.get(data.gpu_id) ?? 'unknown', pricePerHourCredits: data.price_per_hour_credits,
      startedAt, startedId: id, expiresAt: Date.parse(data.expires_at), activeRuns: 0, idleSince: startedAt, idleId: id, idleRun: null, due: null, end: null,
    };
    this.pending.delete(data.gpu_id);
    this.rentals.set(data.gpu_id, rental);
    // Most have one: an array that was pushed to has room for seventeen.
    account.rentals = [...account.rentals, rental];
    this.#quietUntil.delete(account);
    return account;
  }

  #ended(data: EventData<'RentalEnded'>, id: string): Account | null {
    this.pending.delete(data.gpu_id);
    const rental = this.rentals.get(data.gpu_id);
    if (rental === undefined || rental.end !== null) return null;
    const account = this.#account(data.user_id);
    const at = Date.parse(data.at);
    this.#reach(account, at);
    // A replay may have charged it when its deadline passed.
    if (this.rentals.get(data.gpu_id) === undefined) return account;
    rental.end = { at, reason: data.reason, eventId: id };
    this.#quietUntil.delete(account);
    if (this.rules.charges === 'at_deadline') this.#settle(account, rental);
    return account;
  }

  #runRequested(data: EventData<'RunRequested'>, id: string): Account | null {
    const rental = this.rentals.get(data.gpu_id);
    if (rental === undefined) return null;
    const account = this.#account(rental.userId);
    const at = Date.parse(data.at);
    this.#reach(account, at);
    rental.activeRuns++;
    active(rental, at, id, data.run_id);
    return account;
  }

  #runEnded(data: EventData<'RunEnded'>, id: string): Account | null {
    const rental = this.rentals.get(data.gpu_id);
    if (rental === undefined || rental.activeRuns === 0) return null;
    const account = this.#account(rental.userId);
    const at = Date.parse(data.at);
    this.#reach(account, at);
    rental.activeRuns--;
    active(rental, at, id, data.run_id);
    this.#quietUntil.delete(account);
    return account;
  }

  /** Time has come to `at` for this user. */
  #reach(account: Account, at: number): void {
    if (this.rules.charges === 'at_deadline') this.#meetDeadlines(account, at);
    if (at > account.asOf) account.asOf = at;
  }

  /** Cheap while nothing is due: the next deadline is remembered. */
  #meetDeadlines(account: Account, at: number): void {
    if ((this.#quietUntil.get(account) ?? -Infinity) > at) return;
    const payer = this.rules.exhaustion ? account : { ...account, granted: Infinity };
    const met = meetDeadlines(payer, at, this.rules.idleReturnMs);
    this.#quietUntil.set(account, nextOf(payer, this.rules.idleReturnMs)?.at ?? Infinity);
    if (this.rules.charges === 'at_deadline') for (const rental of met) this.#settle(account, rental);
  }

  /** The same rule as when it was recorded: what its facts say, and never more than the account holds. */
  #recompute(account: Account, gpuId: string): void {
    const rental = this.rentals.get(gpuId);
    if (rental === undefined || rental.end === null) return;
    const { pricePerHourCredits: price } = rental;
    account.charged += Math.min(minutesUntil(rental, Infinity), Math.floor((account.granted - account.charged) / Math.max(1, price))) * price;
    this.#remove(account, gpuId);
  }

  #settle(account: Account, rental: Rental): void {
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

function counted(account: Account, { at }: { at: string }): Account {
  account.facts++;
  account.asOf = Math.max(account.asOf, Date.parse(at));
  return account;
}

function active(rental: Rental, at: number, id: string, runId: string): void {
  if (at < rental.idleSince) return;
  rental.idleSince = at;
  rental.idleId = id;
  rental.idleRun = runId;
}
