import { Problem } from '@kgpu/contracts';

const MAX_WAITING = 10_000;

interface Line {
  last: Promise<unknown>;
  waiting: number;
}

/** Pieces of work of one key are done one after the other. */
export class Turns {
  readonly #lines = new Map<number, Line>();

  /** @throws Problem `service_unavailable` when too many wait. */
  async take<T>(key: number, work: () => Promise<T>): Promise<T> {
    const line = this.#lines.get(key) ?? { last: Promise.resolve(), waiting: 0 };
    if (line.waiting >= MAX_WAITING) throw new Problem('service_unavailable', 'Too many changes of this account wait.', { retry_after_seconds: 1 });
    this.#lines.set(key, line);
    line.waiting++;
    const done = line.last.then(work);
    line.last = done.catch(() => undefined);
    try {
      return await done;
    } finally {
      if (--line.waiting === 0) this.#lines.delete(key);
    }
  }
}
