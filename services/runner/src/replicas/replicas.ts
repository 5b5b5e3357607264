/**
 * Which replicas of the runner live, and which of them looks after a run: whoever took its request, as long as it lives, else one
 * that all of them come to agree on. Two that disagree for a moment do no harm: what both record goes through once.
 * Time is an argument: milliseconds of a clock that never jumps, each replica's own, so that no two clocks are compared.
 */
import { derivedId } from '@kgpu/contracts';

/** What decides who looks after a run. */
export interface Kept {
  run_id: string;
  /** Who took its request; null when nobody knows. */
  runner: string | null;
}

export class Replicas {
  readonly #livesUntil = new Map<string, number>();

  constructor(readonly own: string) {}

  renewed(replica: string, ttlMs: number, nowMs: number): void {
    this.#livesUntil.set(replica, Math.max(nowMs + ttlMs, this.#livesUntil.get(replica) ?? 0));
  }

  released(replica: string): void {
    this.#livesUntil.delete(replica);
  }

  /** In order of name; ourselves always: who can ask lives. */
  alive(nowMs: number): string[] {
    return [...new Set([this.own, ...this.#livesUntil.keys()])].filter((replica) => this.#isAlive(replica, nowMs)).sort();
  }

  ownerOf(run: Kept, nowMs: number): string {
    if (run.runner !== null && this.#isAlive(run.runner, nowMs)) return run.runner;
    return this.alive(nowMs).reduce((best, replica) => (weight(replica, run) > weight(best, run) ? replica : best));
  }

  isOwn(run: Kept, nowMs: number): boolean {
    return this.ownerOf(run, nowMs) === this.own;
  }

  #isAlive(replica: string, nowMs: number): boolean {
    return replica === this.own || (this.#livesUntil.get(replica) ?? 0) > nowMs;
  }
}

/** Rendezvous hashing: when a replica goes, only its runs change hands, and they spread over all that are left. */
function weight(replica: string, { run_id }: Kept): string {
  return derivedId('owner', replica, run_id);
}
