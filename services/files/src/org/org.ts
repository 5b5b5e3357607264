/** An org and who belongs to it. It exists so that a slug is taken once, and so that an org never is without an admin. */
import { Problem, type OrgEvent, type OrgRole } from '@kgpu/contracts';
import type { Decider } from '@kgpu/event-store';

export interface Member {
  role: OrgRole;
  since: string;
}

export interface OpenOrg {
  status: 'open';
  slug: string;
  name: string;
  ownerUserId: number;
  createdAt: string;
  members: ReadonlyMap<number, Member>;
}

export type OrgState = { status: 'none' } | OpenOrg;

/** `by`: who orders it; null is an admin of kgpu, who may do everything. */
export type OrgCommand =
  | { type: 'Create'; slug: string; name: string; ownerUserId: number }
  | { type: 'SetMember'; userId: number; role: OrgRole; by: number | null }
  | { type: 'RemoveMember'; userId: number; by: number | null };

function evolve(state: OrgState, event: OrgEvent): OrgState {
  switch (event.type) {
    case 'OrgCreated': {
      const { slug, name, owner_user_id, at } = event.data;
      return { status: 'open', slug, name, ownerUserId: owner_user_id, createdAt: at, members: new Map() };
    }
    case 'OrgMemberSet': {
      const org = opened(state);
      const { user_id, role, at } = event.data;
      return { ...org, members: new Map(org.members).set(user_id, { role, since: org.members.get(user_id)?.since ?? at }) };
    }
    case 'OrgMemberRemoved': {
      const org = opened(state);
      const members = new Map(org.members);
      members.delete(event.data.user_id);
      return { ...org, members };
    }
  }
}

function decide(command: OrgCommand, state: OrgState, now: Date): OrgEvent[] {
  switch (command.type) {
    case 'Create':
      return create(command, state, now);
    case 'SetMember':
      return setMember(command, administered(state, command.by), now);
    case 'RemoveMember':
      return removeMember(command, administered(state, command.by), now);
  }
}

export const orgDecider: Decider<OrgState, OrgCommand, OrgEvent> = { initial: { status: 'none' }, evolve, decide };

function create({ slug, name, ownerUserId }: Extract<OrgCommand, { type: 'Create' }>, state: OrgState, now: Date): OrgEvent[] {
  if (state.status === 'open') throw new Problem('org_exists');
  const at = now.toISOString();
  return [
    { type: 'OrgCreated', data: { slug, name, owner_user_id: ownerUserId, at } },
    { type: 'OrgMemberSet', data: { slug, user_id: ownerUserId, role: 'admin', by: null, at } },
  ];
}

function setMember({ userId, role, by }: Extract<OrgCommand, { type: 'SetMember' }>, org: OpenOrg, now: Date): OrgEvent[] {
  if (org.members.get(userId)?.role === role) return [];
  if (role !== 'admin') keepAnAdmin(org, userId);
  return [{ type: 'OrgMemberSet', data: { slug: org.slug, user_id: userId, role, by, at: now.toISOString() } }];
}

function removeMember({ userId, by }: Extract<OrgCommand, { type: 'RemoveMember' }>, org: OpenOrg, now: Date): OrgEvent[] {
  if (!org.members.has(userId)) throw new Problem('member_not_found');
  keepAnAdmin(org, userId);
  return [{ type: 'OrgMemberRemoved', data: { slug: org.slug, user_id: userId, by, at: now.toISOString() } }];
}

/** Without this one there must be another admin. */
function keepAnAdmin({ members }: OpenOrg, userId: number): void {
  if (members.get(userId)?.role !== 'admin') return;
  for (const [other, { role }] of members) if (other !== userId && role === 'admin') return;
  throw new Problem('last_admin');
}

const ranks = { member: 0, uploader: 1, admin: 2 } as const satisfies Record<OrgRole, number>;

/** The org, for somebody who has this role in it at least. Throws `org_not_found` (also for who is no member), `role_required`. */
export function orgFor(state: OrgState, by: number | null, required: OrgRole): OpenOrg {
  if (state.status === 'none') throw new Problem('org_not_found');
  if (by === null) return state;
  const member = state.members.get(by);
  if (member === undefined) throw new Problem('org_not_found');
  if (ranks[member.role] < ranks[required]) throw new Problem('role_required', `You are ${member.role} of the org; this takes ${required}.`, { required_role: required });
  return state;
}

function administered(state: OrgState, by: number | null): OpenOrg {
  return orgFor(state, by, 'admin');
}

function opened(state: OrgState): OpenOrg {
  if (state.status === 'none') throw new Error('an org stream must begin with OrgCreated');
  return state;
}
