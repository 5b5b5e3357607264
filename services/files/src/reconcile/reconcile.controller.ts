/** What the files service answers about comparisons of drives with the bucket. */
import { CancelReconciliation, derivedId, ReadReconciliation, StartReconciliation, type Asked, type ReplyOf } from '@kgpu/contracts';
import { Answers } from '@kgpu/runtime';
import { Controller, Inject } from '@nestjs/common';
import { FILES_PARTS, type FilesParts } from '../files-parts.ts';
import { allDrives, reconcile } from './reconcile.ts';

@Controller()
export class ReconcileController {
  constructor(@Inject(FILES_PARTS) private readonly parts: FilesParts) {}

  @Answers(StartReconciliation)
  async start({ command_id, drive }: Asked<typeof StartReconciliation>): Promise<ReplyOf<typeof StartReconciliation>> {
    const { reconcileTools, reconciliations } = this.parts;
    const id = derivedId('reconciliation', command_id);
    const drives = drive === null ? await allDrives(reconcileTools) : [drive];
    reconciliations.start(id, (signal) => reconcile(reconcileTools, drives, id, signal));
    return { reconciliation_id: id };
  }

  @Answers(ReadReconciliation)
  read({ reconciliation_id }: Asked<typeof ReadReconciliation>): Promise<ReplyOf<typeof ReadReconciliation>> {
    return this.parts.reconciliations.read(reconciliation_id);
  }

  @Answers(CancelReconciliation)
  async cancel({ reconciliation_id }: Asked<typeof CancelReconciliation>): Promise<ReplyOf<typeof CancelReconciliation>> {
    this.parts.reconciliations.cancel(reconciliation_id);
    return {};
  }
}
