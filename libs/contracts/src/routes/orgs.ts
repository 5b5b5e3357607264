import { z } from 'zod';
import { orgRole, orgSlug } from '../drive.ts';
import { org, orgMember } from '../messages/files.ts';
import { displayName, userId } from '../shapes.ts';
import { page, queryInt } from './query.ts';
import { route } from './route.ts';

const orgParams = z.object({ slug: orgSlug });
const memberParams = orgParams.extend({ user_id: queryInt(1, 2_147_483_647) });
const members = { tag: 'Admin', description: 'For admins, and for admins of the org.', problems: ['org_not_found', 'role_required'] } as const;

export const orgRoutes = {
  listOrgs: route('GET /v1/admin/orgs', {
    tag: 'Admin', auth: 'admin', summary: 'Orgs', query: z.strictObject(page),
    replies: { 200: z.object({ orgs: z.array(org), next_cursor: z.string().nullable() }).meta({ id: 'OrgPage' }) },
  }),
  createOrg: route('POST /v1/admin/orgs', {
    tag: 'Admin', auth: 'admin', idempotent: true, summary: 'Make an org, with a shared drive of its own',
    body: z.strictObject({ slug: orgSlug, name: displayName, owner_user_id: userId }).meta({ id: 'NewOrg' }),
    replies: { 201: org }, problems: ['org_exists', 'user_not_found'],
  }),
  listMembers: route('GET /v1/admin/orgs/{slug}/members', {
    ...members, summary: 'Who belongs to an org', params: orgParams, query: z.strictObject(page),
    replies: { 200: z.object({ members: z.array(orgMember), next_cursor: z.string().nullable() }).meta({ id: 'OrgMemberPage' }) },
  }),
  setMember: route('POST /v1/admin/orgs/{slug}/members', {
    ...members, idempotent: true, summary: 'Add a member, or change the role of one', params: orgParams,
    body: z.strictObject({ user_id: userId, role: orgRole }).meta({ id: 'NewOrgMember' }),
    replies: { 200: orgMember }, problems: [...members.problems, 'user_not_found', 'last_admin'],
  }),
  removeMember: route('DELETE /v1/admin/orgs/{slug}/members/{user_id}', {
    ...members, summary: 'Remove a member', params: memberParams,
    replies: { 200: z.object({ slug: orgSlug, user_id: userId, removed: z.literal(true) }).meta({ id: 'RemovedMember' }) },
    problems: [...members.problems, 'user_not_found', 'member_not_found', 'last_admin'],
  }),
  reconcileFiles: route('POST /v1/admin/files/reconcile', {
    tag: 'Admin', auth: 'admin', summary: 'Compare quotas with the object store, and put them right',
    description: 'Lines of JSON as it goes on: progress, one for each drive, a report. Without a body: every drive.',
    body: z.strictObject({ user_id: userId.optional(), org: orgSlug.optional() }).refine(({ user_id, org: slug }) => user_id === undefined || slug === undefined, 'user_id or org, not both').optional().meta({ id: 'ReconciliationRequest' }),
    replies: { 200: { description: 'One `ReconciliationLine` each', content: ['application/x-ndjson'] } }, problems: ['user_not_found', 'org_not_found', 'object_store_unavailable'],
  }),
};
