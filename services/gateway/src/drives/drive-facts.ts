import type { EventStore } from '@kgpu/event-store';
import { follow, type Clock, type Projection } from '@kgpu/runtime';
import { forgetChanged } from './changed-objects.ts';
import type { ObjectHeads } from './object-heads.ts';
import { Orgs } from './orgs.projection.ts';

/** What the gateway learns from the facts of orgs and drives as they are recorded. */
export class DriveFacts {
  readonly orgs = new Orgs();
  readonly #orgFacts: Projection;
  readonly #driveFacts: Projection;

  private constructor(store: EventStore, heads: ObjectHeads, clock: Clock, head: number) {
    this.#orgFacts = follow(store, { categories: ['org'] }, (event) => this.orgs.apply(event));
    // What happened to files before we look at any matters to nobody here.
    this.#driveFacts = follow(store, { categories: ['drive'], after: head }, (event) => forgetChanged(heads, event, clock.now()));
  }

  /** Resolves when all that is on record about orgs is known. */
  static async open(store: EventStore, heads: ObjectHeads, clock: Clock): Promise<DriveFacts> {
    const facts = new DriveFacts(store, heads, clock, await store.head());
    await facts.#orgFacts.ready;
    return facts;
  }

  /** Throws why it stands still, when it does. */
  check(): void {
    const halted = this.#orgFacts.halted ?? this.#driveFacts.halted;
    if (halted !== null) throw halted;
  }

  /** Resolves when the roles are known as they are on record up to there. */
  reached(position: number): Promise<void> {
    return this.#orgFacts.reached(position);
  }

  async close(): Promise<void> {
    await Promise.all([this.#orgFacts.close(), this.#driveFacts.close()]);
  }
}
