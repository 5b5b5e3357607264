/** The people of an install. One stream for all of them, so that ids rise by one and an e-mail belongs to one user only. */
import { Problem, type DirectoryEvent, type Role, type UserStatus } from '@kgpu/contracts';
import type { Decider } from '@kgpu/event-store';

export interface Person {
  user_id: number;
  /** In lower case. */
  email: string;
  name: string;
  role: Role;
  status: UserStatus;
  created_at: string;
}

export interface DirectoryState {
  byId: ReadonlyMap<number, Person>;
  byEmail: ReadonlyMap<string, number>;
}

export type DirectoryCommand =
  | { type: 'Register'; email: string; name: string; role: Role; status: UserStatus }
  /** What is undefined stays as it is. */
  | { type: 'Change'; userId: number; role?: Role | undefined; status?: UserStatus | undefined };

function evolve({ byId, byEmail }: DirectoryState, event: DirectoryEvent): DirectoryState {
  const { user_id } = event.data;
  switch (event.type) {
    case 'UserRegistered': {
      const { at, ...person } = event.data;
      return { byId: new Map(byId).set(user_id, { ...person, created_at: at }), byEmail: new Map(byEmail).set(person.email, user_id) };
    }
    case 'UserRoleChanged':
      return { byEmail, byId: new Map(byId).set(user_id, { ...byId.get(user_id)!, role: event.data.role }) };
    case 'UserStatusChanged':
      return { byEmail, byId: new Map(byId).set(user_id, { ...byId.get(user_id)!, status: event.data.status }) };
  }
}

function decide(command: DirectoryCommand, state: DirectoryState, now: Date): DirectoryEvent[] {
  switch (command.type) {
    case 'Register':
      return register(command, state, now);
    case 'Change':
      return change(command, state, now);
  }
}

export const directoryDecider: Decider<DirectoryState, DirectoryCommand, DirectoryEvent> = {
  initial: { byId: new Map(), byEmail: new Map() }, evolve, decide,
};

function register({ email, name, role, status }: Extract<DirectoryCommand, { type: 'Register' }>, { byId, byEmail }: DirectoryState, now: Date): DirectoryEvent[] {
  if (byEmail.has(email)) throw new Problem('email_taken');
  return [{ type: 'UserRegistered', data: { user_id: byId.size + 1, email, name, role, status, at: now.toISOString() } }];
}

function change({ userId, role, status }: Extract<DirectoryCommand, { type: 'Change' }>, { byId }: DirectoryState, now: Date): DirectoryEvent[] {
  const person = byId.get(userId);
  if (person === undefined) throw new Problem('user_not_found');
  const changed = { ...person, role: role ?? person.role, status: status ?? person.status };
  if (isActiveAdmin(person) && !isActiveAdmin(changed) && [...byId.values()].filter(isActiveAdmin).length === 1) throw new Problem('last_admin');
  const at = now.toISOString();
  return [
    ...(changed.role === person.role ? [] : [{ type: 'UserRoleChanged' as const, data: { user_id: userId, role: changed.role, at } }]),
    ...(changed.status === person.status ? [] : [{ type: 'UserStatusChanged' as const, data: { user_id: userId, status: changed.status, at } }]),
  ];
}

function isActiveAdmin({ role, status }: Pick<Person, 'role' | 'status'>): boolean {
  return role === 'admin' && status === 'active';
}
