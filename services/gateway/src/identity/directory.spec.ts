import { given } from '@kgpu/event-store/testing';
import { describe, it } from '@jest/globals';
import type { DirectoryEvent } from '@kgpu/contracts';
import { directoryDecider, type DirectoryCommand } from './directory.ts';

const now = new Date('2026-05-17T01:00:00Z');
const at = now.toISOString();
const register: DirectoryCommand = { type: 'Register', email: 'ann@lab.org', name: 'Ann', role: 'user', status: 'active' };
const registered = (user_id: number, email: string, role: 'user' | 'admin' = 'user', status: 'active' | 'suspended' = 'active'): DirectoryEvent =>
  ({ type: 'UserRegistered', data: { user_id, email, name: 'Ann', role, status, at } });

describe('the directory', () => {
  it('numbers people from 1', () => {
    given(directoryDecider, []).when(register, now).then([registered(1, 'ann@lab.org')]);
    given(directoryDecider, [registered(1, 'bob@lab.org')]).when(register, now).then([registered(2, 'ann@lab.org')]);
  });

  it('gives an e-mail to one user only', () => {
    given(directoryDecider, [registered(1, 'ann@lab.org')]).when(register, now).thenProblem('email_taken');
  });

  it('records what changes and nothing else', () => {
    given(directoryDecider, [registered(1, 'ann@lab.org')]).when({ type: 'Change', userId: 1, role: 'admin', status: 'suspended' }, now).then([
      { type: 'UserRoleChanged', data: { user_id: 1, role: 'admin', at } }, { type: 'UserStatusChanged', data: { user_id: 1, status: 'suspended', at } },
    ]);
    given(directoryDecider, [registered(1, 'ann@lab.org')]).when({ type: 'Change', userId: 1, role: 'user', status: 'active' }, now).then([]);
  });

  it('does not know a user that was never registered', () => {
    given(directoryDecider, []).when({ type: 'Change', userId: 1, status: 'active' }, now).thenProblem('user_not_found');
  });

  it.each([{ role: 'user' as const }, { status: 'suspended' as const }, { status: 'pending' as const }])('keeps the last active admin: %o is refused', (change) => {
    const others = [registered(2, 'b@lab.org'), registered(3, 'c@lab.org', 'admin', 'suspended')];
    given(directoryDecider, [registered(1, 'a@lab.org', 'admin'), ...others]).when({ type: 'Change', userId: 1, ...change }, now).thenProblem('last_admin');
  });

  it('lets an admin go while another one is active', () => {
    given(directoryDecider, [registered(1, 'a@lab.org', 'admin'), registered(2, 'b@lab.org', 'admin')])
      .when({ type: 'Change', userId: 1, status: 'suspended' }, now)
      .then([{ type: 'UserStatusChanged', data: { user_id: 1, status: 'suspended', at } }]);
  });
});
