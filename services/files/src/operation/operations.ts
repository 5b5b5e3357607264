/**
 * Deletions and transfers under way. Each is recorded before it is done, and done until it is complete, whoever waits for it or has
 * gone; a start takes up those that an earlier process left.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Problem, type DriveEvent, type DriveId, type EventData } from '@kgpu/contracts';
import type { ServiceContext } from '@kgpu/runtime';
import type { DriveRecord } from '../drive/drive-record.ts';
import type { Completion, OpenOperation } from '../drive/drive.ts';

export type Completed = { position: number } & ({ type: 'DeletionCompleted'; data: EventData<'DeletionCompleted'> } | { type: 'TransferCompleted'; data: EventData<'TransferCompleted'> });

/** Does what is left of an operation, as it is recorded now. `inexact`: an earlier attempt may have done some of it unrecorded. */
export type OperationWork = (drive: DriveId, operation: OpenOperation, attempt: { completion: Completion; signal: AbortSignal }) => Promise<void>;

interface Running {
  done: Promise<Completed>;
  /** Rejects at the next attempt that fails; the work goes on. */
  failure: PromiseWithResolvers<never>;
}

const FIRST_RETRY_MS = 250;
const SLOWEST_RETRY_MS = 30_000;
/** An answer needs this long on its way. */
const ANSWER_MS = 300;

export class Operations {
  readonly #running = new Map<string, Running>();
  readonly #stop = new AbortController();

  constructor(
    private readonly context: ServiceContext,
    private readonly record: DriveRecord,
    private readonly work: OperationWork,
  ) {}

  get count(): number {
    return this.#running.size;
  }

  /** Goes on with it by itself. */
  resume(drive: DriveId, id: string): void {
    void this.#run(drive, id, true).done.catch(() => undefined);
  }

  /** Its completion. Throws what the attempt under way failed with; the work goes on. */
  async completed(drive: DriveId, id: string): Promise<Completed> {
    const before = await this.#completion(drive, id);
    if (before !== null) return before;
    const { done, failure } = this.#run(drive, id, false);
    return Promise.race([done, failure.promise]);
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('closing'));
    await Promise.allSettled([...this.#running.values()].map(({ done }) => done));
  }

  #run(drive: DriveId, id: string, resumed: boolean): Running {
    const running = this.#running.get(id);
    if (running !== undefined) return running;
    const started: Running = { done: this.#untilDone(drive, id, resumed).finally(() => this.#running.delete(id)), failure: Promise.withResolvers() };
    started.failure.promise.catch(() => undefined);
    started.done.catch(() => undefined);
    this.#running.set(id, started);
    return started;
  }

  async #untilDone(drive: DriveId, id: string, resumedFirst: boolean): Promise<Completed> {
    const { signal } = this.#stop;
    let resumed = resumedFirst;
    for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(retryMs * 2, SLOWEST_RETRY_MS)) {
      try {
        signal.throwIfAborted();
        return await this.#attempt(drive, id, resumed);
      } catch (error) {
        if (signal.aborted) throw new Problem('service_unavailable', 'The files service is being stopped; this goes on at its next start.', { retry_after_seconds: 2 });
        this.#failed(drive, id, error);
        resumed = true;
        await sleep(retryMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async #attempt(drive: DriveId, id: string, resumed: boolean): Promise<Completed> {
    const operation = (await this.record.load(drive)).state.operations.get(id);
    if (operation !== undefined) await this.work(drive, operation, { completion: resumed ? 'inexact' : 'exact', signal: this.#stop.signal });
    const completed = await this.#completion(drive, id);
    if (completed === null) throw new Error(`operation ${id} was not completed`);
    return completed;
  }

  #failed(drive: DriveId, id: string, error: unknown): void {
    const expected = error instanceof Problem && error.status >= 500;
    this.context.log[expected ? 'warn' : 'error']({ err: error, drive, operation: id }, 'a deletion or transfer is not complete yet; trying again');
    const running = this.#running.get(id);
    if (running === undefined) return;
    running.failure.reject(error instanceof Problem ? error : new Problem('internal_error'));
    running.failure = Promise.withResolvers();
    running.failure.promise.catch(() => undefined);
  }

  async #completion(drive: DriveId, id: string): Promise<Completed | null> {
    const found = await this.record.committed(drive, completionId(id));
    const event = found?.events.find((candidate: DriveEvent) => candidate.type === 'DeletionCompleted' || candidate.type === 'TransferCompleted');
    return event === undefined ? null : { ...event, position: found!.position };
  }
}

/** The commit that ends an operation: what a repeated command is answered from. */
export function completionId(operationId: string): string {
  return `done:${operationId}`;
}

/** The work's outcome, or `service_timeout` shortly before nobody waits for the answer any more. */
export async function answerWithin<T>(deadlineMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Problem('service_timeout', 'It takes longer than you wait; it goes on.', { retry_after_seconds: 2 })), Math.max(0, deadlineMs - ANSWER_MS));
  });
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
