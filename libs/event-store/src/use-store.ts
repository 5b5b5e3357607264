/** What the cases of the contract share: how they get an empty store, and events without a meaning. */
import { afterEach, beforeEach } from '@jest/globals';
import type { AppendOptions, EventStore, Expected, NewEvent } from './event-store.ts';

/** An empty store as an adapter's spec opens it for one case. */
export interface OpenedStore<Store extends EventStore = EventStore> {
  store: Store;
  /** Another instance on the same data, as another process or a later start has it. */
  reopen(): Promise<Store>;
  /** Makes the store lose one event behind its back. */
  lose(stream: string, revision: number): Promise<void>;
  /** Closes every instance and removes the data. */
  close(): Promise<void>;
}

export type OpenStore<Store extends EventStore = EventStore> = () => Promise<OpenedStore<Store>>;

/** Events of type `Noted` that hold these numbers. */
export function notes(...numbers: number[]): NewEvent[] {
  return numbers.map((n) => ({ type: 'Noted', v: 1, data: { n } }));
}

let commits = 0;
/** Options of an append that isn't a repeat of any other. */
export function fresh(expected: Expected = 'any'): AppendOptions {
  return { expected, commitId: `commit-${++commits}` };
}

/** Opens a store for each case; call it inside of `describe`. */
export function useStore<Store extends EventStore>(openStore: OpenStore<Store>): OpenedStore<Store> {
  const use = {} as OpenedStore<Store>;
  beforeEach(async () => Object.assign(use, await openStore()));
  afterEach(async () => use.close());
  return use;
}
