import { describe, expect, it } from '@jest/globals';
import { Problem } from '@kgpu/contracts';
import type { Caller } from '../identity/caller.ts';
import { DriveAccess, writable } from './drive-access.ts';
import { Orgs } from './orgs.projection.ts';

const at = '2026-05-17T01:00:00Z';
const orgs = new Orgs();
orgs.apply({ type: 'OrgCreated', data: { slug: 'lab', name: 'Lab', owner_user_id: 1, at } });
orgs.apply({ type: 'OrgMemberSet', data: { slug: 'lab', user_id: 2, role: 'uploader', by: 1, at } });
orgs.apply({ type: 'OrgMemberSet', data: { slug: 'lab', user_id: 3, role: 'member', by: 1, at } });
orgs.apply({ type: 'OrgMemberSet', data: { slug: 'lab', user_id: 4, role: 'admin', by: 1, at } });
orgs.apply({ type: 'OrgMemberRemoved', data: { slug: 'lab', user_id: 4, by: 1, at } });
const access = new DriveAccess(orgs);
const user = (user_id: number): Caller => ({ kind: 'user', person: { user_id, email: 'a@b.c', name: 'A', role: 'user', status: 'active', created_at: at } });
const codeOf = (act: () => unknown) => {
  try {
    act();
    return null;
  } catch (error) {
    return (error as Problem).code;
  }
};

describe('access to drives', () => {
  it('gives everybody their own drive', () => {
    expect(access.inFiles(user(7), 'a/b%20c')).toEqual({ kind: 'drive', drive: 'user-7', path: 'a/b c', isFolder: false, by: 7, refusal: null });
    expect(access.inFiles(user(7), '')).toMatchObject({ path: '', isFolder: true });
  });

  it('lets members read, uploaders and admins write', () => {
    const writes = (id: number) => codeOf(() => writable(access.inShared(user(id), 'lab', 'x')));
    expect([writes(1), writes(2), writes(3)]).toEqual([null, null, 'role_required']);
    expect(access.inShared(user(3), 'lab', 'data/').path).toBe('data');
  });

  it('hides an org from everybody else, as if there were none', () => {
    expect(codeOf(() => access.inShared(user(4), 'lab', 'x'))).toBe('org_not_found');
    expect(codeOf(() => access.inShared(user(1), 'other', 'x'))).toBe('org_not_found');
  });

  it('shows the orgs below shared/ of the own drive, to be read only', () => {
    expect(access.inFiles(user(2), 'shared/')).toEqual({ kind: 'orgs', orgs: [{ slug: 'lab', name: 'Lab', role: 'uploader' }] });
    const place = access.inFiles(user(2), 'sh%61red/lab/data/x');
    expect(place).toMatchObject({ drive: 'org-lab', path: 'data/x' });
    expect(codeOf(() => writable(place))).toBe('forbidden');
    expect(codeOf(() => writable(access.inFiles(user(2), 'shared')))).toBe('forbidden');
    expect(access.inFiles(user(2), 'shared-not')).toMatchObject({ drive: 'user-2' });
    expect(codeOf(() => access.inFiles(user(4), 'shared/lab/x'))).toBe('org_not_found');
  });

  it('is for users: the admin token has no drive', () => {
    expect(codeOf(() => access.inFiles({ kind: 'admin_token' }, 'x'))).toBe('forbidden');
  });
});
