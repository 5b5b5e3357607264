import { CancelReconciliation, driveOfOrg, driveOfUser, ReadReconciliation, StartReconciliation } from '@kgpu/contracts';
import type { Given } from '../http/given.ts';
import type { Parts } from '../http/parts.ts';
import { lines } from '../ledger/pages.ts';

/** A comparison of drives with the bucket as lines of JSON. One whose reader has gone is stopped. */
export async function reconciliationLines(parts: Parts, given: Given, of: { user_id?: number | undefined; org?: string | undefined }): Promise<(signal: AbortSignal) => AsyncGenerator<string>> {
  const drive = of.user_id !== undefined ? driveOfUser(of.user_id) : of.org !== undefined ? driveOfOrg(of.org) : null;
  const { reconciliation_id } = await parts.ask(StartReconciliation, { command_id: given.command.id, drive }, given);
  return async function* (signal) {
    let isDone = false;
    try {
      while (!isDone && !signal.aborted) {
        const read = await parts.ask(ReadReconciliation, { reconciliation_id }, given);
        isDone = read.done;
        if (read.lines.length > 0) yield lines(read.lines);
      }
    } finally {
      // A service that doesn't answer now goes on to the end: it does no harm.
      if (!isDone) await parts.ask(CancelReconciliation, { reconciliation_id }, given).catch(() => undefined);
    }
  };
}
