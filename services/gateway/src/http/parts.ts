import type { Message, ReplyOf, RequestOf } from '@kgpu/contracts';
import type { AskOptions, Bus } from '@kgpu/runtime';
import { nameOf, type Caller } from '../identity/caller.ts';

/** Who asks, and in which request. */
export interface Asker {
  caller: Caller;
  requestId: string;
}

const MAX_CALLERS = 10_000;
/** Beyond what a message waits by itself. */
const DEADLINE_MS = 10_000;

/** The other parts of kgpu, as one caller sees them: what somebody has written, they read. */
export class Parts {
  /** The last position that a caller wrote. */
  readonly #written = new Map<string, number>();

  constructor(private readonly bus: Bus) {}

  /** Sends a message; `workMs` is what it may take beyond the usual deadline (below zero: less). @throws Problem as `Bus.ask` does. */
  async ask<M extends Message>(message: M, request: RequestOf<M>, asker: Asker, workMs = 0): Promise<ReplyOf<M>> {
    const reply = await this.bus.ask(message, request, this.#options(request, asker, workMs));
    if (typeof reply === 'object' && reply !== null && 'position' in reply) this.wrote(asker, reply.position as number);
    return reply;
  }

  /** The position that the caller's reads must know. */
  lastWritten({ caller }: Asker): number {
    return this.#written.get(nameOf(caller)) ?? 0;
  }

  wrote(asker: Asker, position: number): void {
    const name = nameOf(asker.caller);
    const last = Math.max(position, this.lastWritten(asker));
    this.#written.delete(name);
    this.#written.set(name, last);
    if (this.#written.size > MAX_CALLERS) this.#written.delete(this.#written.keys().next().value!);
  }

  #options(request: unknown, asker: Asker, workMs: number): AskOptions {
    const waits = (request as { wait_seconds?: number }).wait_seconds ?? 0;
    const minPosition = this.lastWritten(asker);
    return { requestId: asker.requestId, deadlineMs: DEADLINE_MS + workMs + waits * 1_000, ...(minPosition > 0 && { minPosition }) };
  }
}
