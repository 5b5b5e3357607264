/** Plays a scenario against the real ledger: its log, book, policies and answers, on a clock that is moved by hand. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Problem, type Config } from '@kgpu/contracts';
import { MemoryEventStore } from '@kgpu/event-store';
import { createLog } from '@kgpu/runtime';
import { settingsOf } from '@kgpu/runtime/testing';
import { openEngine, type Engine } from '../../engine.ts';
import { Mortality, MortalStore } from './mortal-store.ts';
import type { Act, Scenario } from './scenario.ts';
import { VirtualAlarm, VirtualClock } from './virtual-time.ts';
import { World } from './world.ts';

export const BEGINNING = Date.parse('2026-05-17T21:00:00Z');
const LONG_ENOUGH_MS = 5 * 60 * 60_000;
const log = createLog('silent');

/** A grant or take-back as somebody ordered it. */
export interface Order {
  userId: number;
  at: number;
  credits: number;
  /** Null: the ledger died before it answered. */
  accepted: boolean | null;
}

interface Life {
  engine: Engine;
  store: MemoryEventStore;
  alarm: VirtualAlarm;
  mortality: Mortality;
}

export class Play {
  readonly world = new World(new VirtualClock(BEGINNING));
  readonly orders: Order[] = [];
  /** When no ledger was there. */
  readonly downtimes: { from: number; to: number }[] = [];
  readonly config: Config;
  readonly #pending = new Set<Promise<void>>();
  #life: Life | null = null;

  constructor(
    readonly scenario: Scenario,
    folder: string,
  ) {
    this.config = settingsOf(folder, { KGPU_STARTING_CREDITS: String(scenario.startingCredits), KGPU_IDLE_RETURN: `${scenario.idleReturnMinutes}m` });
  }

  get engine(): Engine {
    return this.#life!.engine;
  }

  /** Everything that happens; the ledger is up and has nothing left to do at the end. */
  async run(): Promise<this> {
    this.world.store.onAppend(() => this.#life?.store.wake());
    for (let userId = 1; userId <= this.scenario.users; userId++) await this.world.register(userId);
    await this.#start();
    for (const act of this.scenario.acts) await this.#do(act);
    await this.#wait(1);
    await this.#start();
    await this.#wait(LONG_ENOUGH_MS);
    await this.#settle();
    return this;
  }

  async close(): Promise<void> {
    await this.#life?.engine.close();
    await this.#life?.store.close();
    await this.world.store.close();
  }

  async #do(act: Act): Promise<void> {
    if (act.kind === 'kill' && this.#life !== null) this.#life.mortality.left = { deeds: act.deeds, afterwards: act.afterwards };
    await this.#wait(act.afterMs);
    await this.#perform(act);
    if (!this.scenario.racing) await this.#settle();
    if (act.kind === 'kill') this.#bury();
  }

  async #perform(act: Act): Promise<void> {
    const { world, scenario } = this;
    switch (act.kind) {
      case 'rent':
        return world.rent((act.user % scenario.users) + 1, act.price, act.minutes);
      case 'return':
        return world.return(act.pick);
      case 'run':
        return world.run(act.pick);
      case 'end_run':
        return world.endRun(act.pick);
      case 'grant':
        return this.#order((act.user % scenario.users) + 1, act.credits);
      case 'take_back':
        return this.#order((act.user % scenario.users) + 1, -act.credits);
      case 'kill':
        // Death in the middle of a charge.
        return act.afterwards ? world.return(act.deeds) : undefined;
      case 'start':
        return this.#start();
    }
  }

  async #order(userId: number, credits: number): Promise<void> {
    if (this.#life === null) return;
    const order: Order = { userId, at: this.world.clock.ms, credits, accepted: null };
    this.orders.push(order);
    const grant = { userId, credits, note: null, grantedBy: 'admin' };
    const answered = this.engine.ledger.record.grant(grant, `grant:${this.orders.length}`, 'simulation').then(() => void (order.accepted = true), (error: unknown) => {
      if (!(error instanceof Problem && error.code === 'balance_too_low')) throw error;
      order.accepted = false;
    });
    this.#pending.add(answered);
    void answered.finally(() => this.#pending.delete(answered)).catch(() => undefined);
    if (!this.scenario.racing) await answered;
  }

  async #start(): Promise<void> {
    if (this.#life !== null) return;
    const { world, config } = this;
    const mortality = new Mortality();
    const store = new MemoryEventStore(world.log);
    const alarm = new VirtualAlarm();
    const context = { config, log, clock: world.clock, store: new MortalStore(store, mortality), bus: world.bus((deed) => mortality.act(deed)) };
    store.onAppend(() => world.store.wake());
    const engine = await openEngine(context, alarm, this.scenario.snapshots ? { every: 7, atClose: 1 } : undefined);
    this.#life = { engine, store, alarm, mortality };
    const last = this.downtimes.at(-1);
    if (last?.to === Infinity) last.to = world.clock.ms;
    engine.act();
    await this.#settle();
  }

  /** Moves the clock; alarms ring at their instant, or late when things race. */
  async #wait(ms: number): Promise<void> {
    const { clock } = this.world;
    const until = clock.ms + ms;
    while (this.#life !== null && this.#life.alarm.at <= until) {
      clock.ms = Math.max(clock.ms, this.scenario.racing ? until : this.#life.alarm.at);
      this.#life.alarm.ring();
      if (!this.scenario.racing) await this.#settle();
      else await nextTurn();
    }
    clock.ms = until;
  }

  /** Until the ledger has nothing left to do, or is dead. */
  async #settle(): Promise<void> {
    for (let quiet = 0; quiet < 2 && this.#life !== null;) {
      await nextTurn();
      const { engine, mortality } = this.#life;
      if (mortality.dead) this.#bury();
      else quiet = engine.idle && this.#pending.size === 0 && engine.ledger.projection.position >= this.world.log.head ? quiet + 1 : 0;
    }
  }

  #bury(): void {
    const life = this.#life;
    if (life === null) return;
    life.mortality.dead = true;
    life.alarm.clear();
    this.#pending.clear();
    this.#life = null;
    this.downtimes.push({ from: this.world.clock.ms, to: Infinity });
    // Its queues end; what it still waits for never comes.
    void life.engine.close();
    void life.store.close();
  }
}
