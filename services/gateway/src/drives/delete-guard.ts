/**
 * A second after any PUT that failed, rclone's WebDAV backend deletes the target, and with it the version before, which was good.
 * The files service knows of the failures that it saw, and deletes nothing then; of the others (the rate limit, a part that is down)
 * the gateway knows.
 */
import { Problem, type ProblemCode } from '@kgpu/contracts';
import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { Result } from '../http/result.ts';
import { deletesAfterFailure } from './clients.ts';

const GUARDED_MS = 5_000;
const MAX_GUARDED = 10_000;
/** What the files service decides by itself: it has heard of these. */
const seen: readonly ProblemCode[] = ['quota_exceeded', 'locked', 'conflict'];

export class DeleteGuard {
  /** By client and path: until when. */
  readonly #guarded = new Map<string, number>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Does what a request asks for, unless it is a deletion that must not be. */
  async around(request: FastifyRequest, act: () => Promise<Result>): Promise<Result> {
    if (!deletesAfterFailure(request.headers['user-agent'])) return act();
    const key = keyOf(request);
    if (request.method === 'DELETE' && this.#take(key)) return new Result(null, 204);
    if (request.method !== 'PUT') return act();
    try {
      const result = await act();
      this.#guarded.delete(key);
      return result;
    } catch (error) {
      if (!(error instanceof Problem && seen.includes(error.code))) this.#guard(key);
      throw error;
    }
  }

  #take(key: string): boolean {
    const until = this.#guarded.get(key) ?? 0;
    this.#guarded.delete(key);
    return until > this.now();
  }

  #guard(key: string): void {
    this.#guarded.delete(key);
    this.#guarded.set(key, this.now() + GUARDED_MS);
    if (this.#guarded.size > MAX_GUARDED) this.#guarded.delete(this.#guarded.keys().next().value!);
  }
}

function keyOf({ headers, raw }: FastifyRequest): string {
  return createHash('sha256').update(`${headers.authorization ?? ''}\n${raw.url ?? ''}`).digest('base64');
}
