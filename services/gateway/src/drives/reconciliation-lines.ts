import { CancelReconciliation, driveOfOrg, driveOfUser, ReadReconciliation, StartReconciliation } from '@kgpu/contracts';
import type { Given } from '../http/given.ts';
import type { Parts } from '../http/parts.ts';
import { workLines } from '../http/work-lines.ts';

/** A comparison of drives with the bucket as lines of JSON. */
export async function reconciliationLines(parts: Parts, given: Given, of: { user_id?: number | undefined; org?: string | undefined }): Promise<(signal: AbortSignal) => AsyncGenerator<string>> {
  const drive = of.user_id !== undefined ? driveOfUser(of.user_id) : of.org !== undefined ? driveOfOrg(of.org) : null;
  const comparison = await parts.ask(StartReconciliation, { command_id: given.command.id, drive }, given);
  return (signal) => workLines({ read: () => parts.ask(ReadReconciliation, comparison, given), cancel: () => parts.ask(CancelReconciliation, comparison, given) }, signal);
}
