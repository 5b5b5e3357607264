import { describe, it } from '@jest/globals';
import type { OrgEvent, OrgRole } from '@kgpu/contracts';
import { given } from '@kgpu/event-store/testing';
import { orgDecider, type OrgCommand } from './org.ts';

const now = new Date('2026-05-17T12:00:00Z');
const at = now.toISOString();
const slug = 'lab';
const memberSet = (user_id: number, role: OrgRole, by: number | null): OrgEvent => ({ type: 'OrgMemberSet', data: { slug, user_id, role, by, at } });
const removed = (user_id: number, by: number | null): OrgEvent => ({ type: 'OrgMemberRemoved', data: { slug, user_id, by, at } });
const created: OrgEvent[] = [{ type: 'OrgCreated', data: { slug, name: 'Lab', owner_user_id: 1, at } }, memberSet(1, 'admin', null)];
const create: OrgCommand = { type: 'Create', slug, name: 'Lab', ownerUserId: 1 };
const set = (userId: number, role: OrgRole, by: number | null): OrgCommand => ({ type: 'SetMember', userId, role, by });
const remove = (userId: number, by: number | null): OrgCommand => ({ type: 'RemoveMember', userId, by });

describe('an org', () => {
  it('is created once, with its owner as admin', () => {
    given(orgDecider, []).when(create, now).then(created);
    given(orgDecider, created).when(create, now).thenProblem('org_exists');
  });

  it('is managed by its own admins and those of kgpu', () => {
    given(orgDecider, created).when(set(2, 'uploader', 1), now).then([memberSet(2, 'uploader', 1)]);
    given(orgDecider, created).when(set(2, 'member', null), now).then([memberSet(2, 'member', null)]);
    given(orgDecider, [...created, memberSet(2, 'member', 1)]).when(remove(2, 1), now).then([removed(2, 1)]);
  });

  it.each(['uploader', 'member'] as const)('is not managed by its %s', (role) => {
    const members = [...created, memberSet(2, role, 1), memberSet(3, 'member', 1)];
    for (const command of [set(4, 'member', 2), remove(3, 2)]) given(orgDecider, members).when(command, now).thenProblem('role_required', { required_role: 'admin' });
  });

  it('is unknown to who is no member, as if there were none', () => {
    for (const events of [created, []]) given(orgDecider, events).when(set(4, 'member', 9), now).thenProblem('org_not_found');
    given(orgDecider, [...created, memberSet(2, 'admin', 1), removed(2, 1)]).when(set(4, 'member', 2), now).thenProblem('org_not_found');
  });

  it('keeps its last admin, in that role', () => {
    for (const command of [remove(1, null), set(1, 'uploader', 1)]) given(orgDecider, created).when(command, now).thenProblem('last_admin');
    given(orgDecider, [...created, memberSet(2, 'admin', 1)]).when(remove(1, 2), now).then([removed(1, 2)]);
  });

  it('notes nothing that is so already, and knows who is no member', () => {
    given(orgDecider, [...created, memberSet(2, 'member', 1)]).when(set(2, 'member', 1), now).then([]);
    given(orgDecider, created).when(remove(2, 1), now).thenProblem('member_not_found');
  });
});
