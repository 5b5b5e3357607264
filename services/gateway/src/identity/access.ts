import { Problem, type Route } from '@kgpu/contracts';
import { notValid } from './authenticate.ts';
import type { Caller } from './caller.ts';

/**
 * Whether the caller may use the route at all; what belongs to whom is the services' business.
 * @throws Problem `unauthenticated`, `forbidden`, `not_approved`, `admin_required`.
 */
export function checkAccess(route: Route, caller: Caller): void {
  if (route.auth === 'none') return;
  switch (caller.kind) {
    case 'nobody':
      if (route.auth !== 'optional') throw new Problem('unauthenticated', 'Send your token: `Authorization: Bearer kgpu_…`.');
      return;
    case 'admin_token':
      return;
    case 'rental':
      if (caller.ending && !isOwnDrive(route)) throw notValid();
      if (!route.rentalToken) throw new Problem('forbidden', 'The token of a rental reaches files, runs and its own rental only.');
      return checkApproval(route, caller.person.status === 'active');
    case 'user':
      checkApproval(route, caller.person.status === 'active');
      if (route.auth === 'admin' && caller.person.role !== 'admin') throw new Problem('admin_required');
  }
}

function isOwnDrive({ path }: Route): boolean {
  return /^\/v1\/files(\/|$)/.test(path);
}

function checkApproval(route: Route, approved: boolean): void {
  if (!approved && !route.pending) throw new Problem('not_approved');
}
