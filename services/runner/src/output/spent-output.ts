/** The ended runs of each rental whose output is on record and still lies in its container too, where many of them would fill the disk. */
import type { EventData } from '@kgpu/contracts';

/** Deleting costs a process in the container: worth it for so many runs, or so much output. */
const WORTH_RUNS = 16;
const WORTH_BYTES = 1_048_576;
const MOST_AT_ONCE = 64;

export class SpentOutput {
  /** By rental: bytes of output by run. */
  readonly #bytes = new Map<string, Map<string, number>>();

  ended({ gpu_id, run_id, stdout_bytes, stderr_bytes }: EventData<'RunEnded'>): void {
    const spent = this.#bytes.get(gpu_id) ?? new Map<string, number>();
    this.#bytes.set(gpu_id, spent.set(run_id, stdout_bytes + stderr_bytes));
  }

  /** Its container goes, with all that is in it. */
  rentalEnded(gpuId: string): void {
    this.#bytes.delete(gpuId);
  }

  /** Those to delete by the next start in a rental; none while it isn't worth it. */
  of(gpuId: string): string[] {
    const spent = this.#bytes.get(gpuId) ?? new Map<string, number>();
    const isWorthIt = spent.size >= WORTH_RUNS || spent.values().reduce((sum, bytes) => sum + bytes, 0) >= WORTH_BYTES;
    return isWorthIt ? [...spent.keys().take(MOST_AT_ONCE)] : [];
  }

  deleted(gpuId: string, runIds: readonly string[]): void {
    for (const runId of runIds) this.#bytes.get(gpuId)?.delete(runId);
  }
}
