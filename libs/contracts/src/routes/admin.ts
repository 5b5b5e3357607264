import { z } from 'zod';
import { role, userStatus } from '../events/identity.ts';
import { balance } from '../messages/ledger.ts';
import { rentalStateFilter } from '../messages/rental.ts';
import { rental } from '../rental.ts';
import { credits, displayName, email, gpuId, instant, noNul, userId } from '../shapes.ts';
import { logPage, page, queryInt } from './query.ts';
import { route } from './route.ts';

export const user = z.object({
  user_id: userId, email: z.string(), name: z.string(), role, status: userStatus, created_at: instant,
}).meta({ id: 'User' });
export type User = z.infer<typeof user>;

const userParams = z.object({ user_id: queryInt(1, 2_147_483_647) });
const gpuParams = z.object({ gpu_id: gpuId });
const rentalOfUser = rental.extend({ user_id: userId }).meta({ id: 'RentalOfUser' });

export const adminRoutes = {
  listUsers: route('GET /v1/admin/users', {
    tag: 'Admin', auth: 'admin', summary: 'People',
    query: z.strictObject({ status: userStatus.optional(), q: z.string().max(100).optional(), ...page }),
    replies: { 200: z.object({ users: z.array(user), next_cursor: z.string().nullable() }).meta({ id: 'UserPage' }) },
  }),
  createUser: route('POST /v1/admin/users', {
    tag: 'Admin', auth: 'admin', idempotent: true, summary: 'Make a user before the first sign-in',
    body: z.strictObject({ email, name: displayName.optional(), role: role.default('user'), status: userStatus.default('active') }).meta({ id: 'NewUser' }),
    replies: { 201: user }, problems: ['email_taken'],
  }),
  changeUser: route('PATCH /v1/admin/users/{user_id}', {
    tag: 'Admin', auth: 'admin', summary: "Change a user's status or role", description: 'Suspending revokes tokens and returns their GPUs.',
    params: userParams, body: z.strictObject({ status: userStatus.optional(), role: role.optional() }).meta({ id: 'UserChange' }),
    replies: { 200: user }, problems: ['user_not_found', 'last_admin'],
  }),
  issueToken: route('POST /v1/admin/users/{user_id}/tokens', {
    tag: 'Admin', auth: 'admin', idempotent: true, summary: 'A token for a service account or a headless user; shown once',
    params: userParams, body: z.strictObject({ note: noNul(200).optional() }).optional().meta({ id: 'NewToken' }),
    replies: { 201: z.object({ token: z.string(), token_id: z.string() }).meta({ id: 'IssuedToken' }) }, problems: ['user_not_found'],
  }),
  revokeToken: route('DELETE /v1/admin/users/{user_id}/tokens/{token_id}', {
    tag: 'Admin', auth: 'admin', summary: 'Revoke a token', params: userParams.extend({ token_id: z.string().min(1).max(64) }),
    replies: { 200: z.object({ token_id: z.string(), revoked: z.literal(true) }).meta({ id: 'RevokedToken' }) }, problems: ['user_not_found', 'token_not_found'],
  }),
  grantCredits: route('POST /v1/admin/users/{user_id}/credits', {
    tag: 'Admin', auth: 'admin', idempotent: true, summary: 'Grant credits, or take them back',
    params: userParams, body: z.strictObject({ credits: credits.refine((n) => n !== 0, 'must not be zero'), note: noNul(500).optional() }).meta({ id: 'CreditGrant' }),
    replies: { 200: balance }, problems: ['user_not_found', 'balance_too_low'],
  }),
  listAllGpus: route('GET /v1/admin/gpus', {
    tag: 'Admin', auth: 'admin', summary: 'Every rental', query: z.strictObject({ state: rentalStateFilter.default('active'), ...logPage }),
    replies: { 200: z.object({ gpus: z.array(rentalOfUser), next_cursor: z.string().nullable() }).meta({ id: 'RentalPage' }) },
  }),
  forceReturn: route('DELETE /v1/admin/gpus/{gpu_id}', {
    tag: 'Admin', auth: 'admin', summary: "Return anybody's GPU", params: gpuParams, replies: { 200: rentalOfUser }, problems: ['gpu_not_found'],
  }),
};
