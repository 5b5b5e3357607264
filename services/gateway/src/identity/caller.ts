import { Problem } from '@kgpu/contracts';
import type { Person } from './directory.ts';

/** Who a request comes from. */
export type Caller =
  | { kind: 'user'; person: Person }
  /** What runs in a rented container: acts as the rental's user, on that rental only. */
  | { kind: 'rental'; person: Person; gpuId: string; /** It has ended; its container uploads what it wrote last, and may do nothing else. */ ending: boolean }
  /** `KGPU_ADMIN_TOKEN`: an admin who is no user. */
  | { kind: 'admin_token' }
  | { kind: 'nobody' };

/** The user that is meant by "your": whose GPUs, runs and credits. */
export function userOf(caller: Caller): number {
  if (caller.kind === 'user' || caller.kind === 'rental') return caller.person.user_id;
  throw new Problem('forbidden', 'This needs the token of a user: the admin token belongs to nobody, so it can neither rent nor pay.');
}

/** One name per user (what runs in a user's rental counts as the user): in logs of who did what, in limits, in what was written last. */
export function nameOf(caller: Caller): string {
  switch (caller.kind) {
    case 'user':
    case 'rental':
      return `user-${caller.person.user_id}`;
    case 'admin_token':
      return 'admin-token';
    case 'nobody':
      return 'nobody';
  }
}
