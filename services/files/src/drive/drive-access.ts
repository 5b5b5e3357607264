/** Who may change a drive: its user; uploaders and admins of its org; null, an admin of kgpu or kgpu itself. */
import { ownerOf, Problem, type DriveId } from '@kgpu/contracts';
import { orgFor } from '../org/org.ts';
import type { Orgs } from '../org/orgs.ts';

export class DriveAccess {
  constructor(private readonly orgs: Orgs) {}

  /** Throws `org_not_found`, `role_required`, `forbidden`. */
  async mayWrite(drive: DriveId, by: number | null): Promise<void> {
    const owner = ownerOf(drive);
    if ('slug' in owner) orgFor(await this.orgs.load(owner.slug), by, 'uploader');
    else if (by !== null && by !== owner.userId) throw new Problem('forbidden', 'This is the drive of another user.');
  }
}
