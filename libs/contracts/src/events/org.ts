import { z } from 'zod';
import { orgRole, orgSlug } from '../drive.ts';
import { instant, userId } from '../shapes.ts';

/** Streams `org-<slug>`: an org and its members. The stream's name makes a slug be taken once. `by` is null for admins of kgpu. */
export const orgEvents = {
  OrgCreated: z.object({ slug: orgSlug, name: z.string(), owner_user_id: userId, at: instant }),
  /** Somebody became a member, or has another role now. */
  OrgMemberSet: z.object({ slug: orgSlug, user_id: userId, role: orgRole, by: userId.nullable(), at: instant }),
  OrgMemberRemoved: z.object({ slug: orgSlug, user_id: userId, by: userId.nullable(), at: instant }),
};
