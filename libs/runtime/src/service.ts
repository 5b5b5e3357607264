/** What every service is given and gives back: the only shapes that services and their starters (main, standalone, tests) share. */
import type { Config, Message, ReplyOf, RequestOf } from '@kgpu/contracts';
import type { EventStore, ForgettingEventStore } from '@kgpu/event-store';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';

/** Business time: what rules and events use. Runs `KGPU_CLOCK_SPEED` times faster than the wall clock; never goes back. */
export interface Clock {
  now(): Date;
  /** Wall-clock milliseconds until the business time `at`; 0 when it has passed. */
  wallMsUntil(at: Date): number;
  /** Business time of a wall-clock instant (how long ago a process ended, say). */
  fromWall(wall: Date): Date;
}

export interface AskOptions {
  requestId: string;
  /** The answer must know the log at least up to here (read your own writes). */
  minPosition?: number;
  /** How long to wait for the answer; default 5,000. A message that waits by itself (`wait_seconds`) needs that much more. */
  deadlineMs?: number;
}

/** Commands and queries to other services. */
export interface Bus {
  /**
   * Sends a message and waits for its reply. Throws `Problem`: the one the service answered; `service_unavailable` when
   * nobody listens or the bus is not connected; `service_timeout` after the deadline; `bad_reply` for anything else.
   */
  ask<M extends Message>(message: M, request: RequestOf<M>, options: AskOptions): Promise<ReplyOf<M>>;
  /** Round trip to the server in milliseconds; throws when not connected. */
  ping(): Promise<number>;
}

/** One part's readiness for `/readyz`: resolves when well, throws an Error whose message says what is wrong. */
export type HealthCheck = () => Promise<void>;

export interface Health {
  add(part: string, check: HealthCheck): void;
  /** All parts at once, each with a deadline of its own. However many ask at the same time, each part is asked once. */
  check(): Promise<{ ok: boolean; parts: Record<string, { ok: boolean; message?: string }> }>;
}

export interface ServiceContext {
  config: Config;
  /** The facts, kept for ever. */
  store: EventStore;
  /** Streams that are kept for a while only: `runoutput-…` and `request-…`. */
  expiring: ForgettingEventStore;
  bus: Bus;
  clock: Clock;
  log: Logger;
  metrics: Registry;
  health: Health;
  /** The key that rental tokens are derived from: the same in all processes of an install. */
  secret: Buffer;
  /** Names this install on shared engines (labels of containers). */
  installId: string;
  /** Where a rental that starts now reaches the API. */
  rentalApiBase(): Promise<string>;
  /** Aborts when the process begins to end, before anything closes; see `waitAtMost`. */
  stopping: AbortSignal;
  /** Names this process among those of its service that share the work; the same after a restart. */
  replica: string;
}

/** A service that answers. `close` stops taking new work, finishes what is under way (bounded), lets go of everything. A repeat does nothing. */
export interface RunningService {
  close(): Promise<void>;
}

/** How each of `services/*` starts: exported as `start` by its index. Resolves when it answers on the bus and its projections have caught up. */
export type StartService = (context: ServiceContext) => Promise<RunningService>;
