/** Who belonged to which orgs, and when: from the facts of orgs. Instants are milliseconds since 1970. */
import { eventCodec, type OrgEvent } from '@kgpu/contracts';
import type { EventStore } from '@kgpu/event-store';
import { everyFact } from './every-fact.ts';

export interface Membership {
  slug: string;
  from: number;
  /** Infinity while it lasts. */
  to: number;
}

/** Memberships by user id, in order of their beginning. */
export type Memberships = ReadonlyMap<number, readonly Membership[]>;

export async function readMemberships(store: EventStore): Promise<Memberships> {
  const all = new Map<number, Membership[]>();
  const lasting = (userId: number, slug: string) => all.get(userId)?.find((membership) => membership.slug === slug && membership.to === Infinity);
  for await (const recorded of everyFact(store, { categories: ['org'] })) {
    const { type, data } = eventCodec.decode<OrgEvent>(recorded);
    if (type === 'OrgCreated') continue;
    const { slug, user_id: userId } = data;
    const at = Date.parse(data.at);
    const now = lasting(userId, slug);
    if (type === 'OrgMemberRemoved' && now !== undefined) now.to = at;
    if (type === 'OrgMemberSet' && now === undefined) all.set(userId, [...(all.get(userId) ?? []), { slug, from: at, to: Infinity }]);
  }
  return all;
}
