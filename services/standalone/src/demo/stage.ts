import type { Client } from './client.ts';

/** What a scenario is given: somebody who may do everything, and a way to tell people what happens. */
export interface Stage {
  client: Client;
  /** An image that can be rented there. */
  image: string;
  /** Aborted by Ctrl-C: the scenario then leaves early, and cleans up. */
  signal: AbortSignal;
  /** Says in plain words what happens next or has happened. */
  say: (sentence: string) => void;
  /** Shows what a program printed, apart from what the demo says. Takes pieces of lines. */
  show: (output: string) => void;
}

/** A demo of one job: `npm run demo -- <name>`. */
export interface Scenario {
  title: string;
  /** It needs an instance of its own with these settings. */
  settings?: Record<string, string>;
  play: (stage: Stage) => Promise<void>;
}
