import { z } from 'zod';
import { role, userStatus } from '../events/identity.ts';
import { balance } from '../messages/ledger.ts';
import { instant, userId } from '../shapes.ts';
import { route } from './route.ts';

export const me = z.object({
  user_id: userId, email: z.string(), name: z.string(), role, status: userStatus,
  orgs: z.array(z.object({ slug: z.string(), role: z.string() })),
}).meta({ id: 'Me' });

export const accountRoutes = {
  getMe: route('GET /v1/me', { tag: 'Account', pending: true, summary: 'Who you are', replies: { 200: me } }),
  getBalance: route('GET /v1/balance', {
    tag: 'Account', summary: 'Your credits, now or at a time in the past',
    query: z.strictObject({ at: instant.optional() }), replies: { 200: balance }, problems: [],
  }),
};
