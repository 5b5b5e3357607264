const WINDOW_MS = 60_000;
const MAX_CALLERS = 50_000;

export interface Admission {
  admitted: boolean;
  /** Requests that would be admitted at once now. */
  remaining: number;
  /** Seconds until another request is admitted (when none remains), or until all are. */
  seconds: number;
}

/**
 * Lets each caller make `quota` requests a minute, evenly refilled (GCRA): one number per caller, and the callers
 * who were silent longest are forgotten first, so that memory is bounded whoever comes.
 */
export class RateLimit {
  /** When the quota of a caller will be whole again, in milliseconds. */
  readonly #wholeAt = new Map<string, number>();
  readonly #intervalMs: number;

  constructor(
    readonly quota: number,
    private readonly maxCallers = MAX_CALLERS,
  ) {
    this.#intervalMs = WINDOW_MS / quota;
  }

  /** Counts a request, as one or as `weight`; one that is refused costs nothing. `nowMs` is of a clock that never goes back. */
  take(caller: string, nowMs: number, weight = 1): Admission {
    const whole = Math.max(this.#wholeAt.get(caller) ?? 0, nowMs);
    const next = whole + this.#intervalMs * weight;
    if (next - nowMs > WINDOW_MS + 1e-6) return { admitted: false, remaining: 0, seconds: Math.ceil((next - nowMs - WINDOW_MS) / 1_000) };
    this.#wholeAt.delete(caller);
    this.#wholeAt.set(caller, next);
    if (this.#wholeAt.size > this.maxCallers) this.#wholeAt.delete(this.#wholeAt.keys().next().value!);
    return { admitted: true, remaining: Math.floor((WINDOW_MS - (next - nowMs)) / this.#intervalMs + 1e-6), seconds: Math.ceil((next - nowMs) / 1_000) };
  }

  /** Headers of draft-ietf-httpapi-ratelimit-headers. */
  headers({ remaining, seconds }: Admission): Record<string, string> {
    return { 'ratelimit-policy': `"default";q=${this.quota};w=${WINDOW_MS / 1_000}`, ratelimit: `"default";r=${remaining};t=${seconds}` };
  }
}
