import type { AuditDifference } from '@kgpu/contracts';

const SHOWN_DIFFERENCES = 1_000;

/** Collects what is wrong: all of it counted, the first ones kept. */
export class Findings {
  readonly list: AuditDifference[] = [];
  count = 0;

  add(difference: Partial<AuditDifference> & Pick<AuditDifference, 'kind' | 'message'>): void {
    this.count++;
    if (this.list.length < SHOWN_DIFFERENCES) this.list.push({ user_id: null, gpu_id: null, position: null, ...difference });
  }
}
