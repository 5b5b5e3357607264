/** Compares every drive with the bucket once a day, and a drive whose figures are in doubt soon. One at a time. */
import { randomUUID } from 'node:crypto';
import type { DriveId } from '@kgpu/contracts';
import type { ServiceContext } from '@kgpu/runtime';
import { reconcile, type ReconcileTools } from './reconcile.ts';

export class ReconcilePolicy {
  readonly #suspects = new Set<DriveId>();
  readonly #stop = new AbortController();
  #work: Promise<void> | null = null;
  #stopListening = () => undefined as void;

  constructor(
    private readonly context: ServiceContext,
    private readonly tools: ReconcileTools,
  ) {}

  /** From now on, and of what an earlier process left in doubt. */
  start(): void {
    this.#stopListening = this.tools.drives.listen(({ data: { drive } }) => this.#lookAt(drive));
    for (const [drive] of this.tools.drives) this.#lookAt(drive);
  }

  /** The figures of this drive may be wrong. */
  suspect(drive: DriveId): void {
    this.#suspects.add(drive);
    this.#next();
  }

  /** Those whose day is over. */
  look(): void {
    const now = this.context.clock.now().getTime();
    for (const [drive, { state }] of this.tools.drives) {
      this.#lookAt(drive);
      if (now - Date.parse(state.reconciledAt ?? '1970-01-01T00:00:00Z') >= this.context.config.KGPU_RECONCILE_EVERY) this.#suspects.add(drive);
    }
    this.#next();
  }

  /** Resolves when nothing waits or is under way. */
  async idle(): Promise<void> {
    while (this.#work !== null) await this.#work;
  }

  async close(): Promise<void> {
    this.#stopListening();
    this.#stop.abort(new Error('closing'));
    await this.#work;
  }

  /** Its deletions and transfers come first: a listing would be disturbed by them. */
  #lookAt(drive: DriveId): void {
    const state = this.tools.drives.get(drive)?.state;
    if (state?.isDoubtful === true && state.operations.size === 0) this.suspect(drive);
  }

  #next(): void {
    if (this.#work !== null || this.#stop.signal.aborted) return;
    const [drive] = this.#suspects;
    if (drive === undefined) return;
    this.#suspects.delete(drive);
    this.#work = this.#reconcile(drive).finally(() => {
      this.#work = null;
      this.#next();
    });
  }

  /** What can't be done now is due at the next look. */
  async #reconcile(drive: DriveId): Promise<void> {
    try {
      for await (const line of reconcile(this.tools, [drive], randomUUID(), this.#stop.signal)) {
        if (line.line === 'drive' && line.difference_bytes !== 0) this.context.log.info({ drive, difference_bytes: line.difference_bytes }, 'the figures of a drive were corrected');
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) this.context.log.warn({ err: error, drive }, 'a drive could not be compared with the bucket');
    }
  }
}
