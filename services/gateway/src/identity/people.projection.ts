/** Everybody, in memory: what the admin's list and every sign of who calls are answered from. */
import type { KgpuEvent, UserStatus } from '@kgpu/contracts';
import type { Person } from './directory.ts';

export interface PeopleQuery {
  status?: UserStatus | undefined;
  /** A part of the e-mail or the name, in any case. */
  q?: string | undefined;
  limit: number;
  /** Id of the last person of the page before; 0 for the first page. */
  after: number;
}

export class People {
  readonly #byId = new Map<number, Person>();

  apply(event: KgpuEvent): void {
    if (event.type === 'UserRegistered') {
      const { at, ...person } = event.data;
      this.#byId.set(person.user_id, { ...person, created_at: at });
    }
    if (event.type === 'UserRoleChanged') this.#change(event.data.user_id, { role: event.data.role });
    if (event.type === 'UserStatusChanged') this.#change(event.data.user_id, { status: event.data.status });
  }

  get(userId: number): Person | undefined {
    return this.#byId.get(userId);
  }

  /** The active admin who was registered first. */
  firstAdmin(): Person | undefined {
    return this.#byId.values().find(({ user_id }) => this.isActiveAdmin(user_id));
  }

  isActiveAdmin(userId: number): boolean {
    const person = this.#byId.get(userId);
    return person?.role === 'admin' && person.status === 'active';
  }

  isSuspended(userId: number): boolean {
    return this.#byId.get(userId)?.status === 'suspended';
  }

  /** In order of their ids. */
  list({ status, q, limit, after }: PeopleQuery): { people: Person[]; next: number | null } {
    const text = q?.toLowerCase() ?? '';
    const found = this.#byId.values()
      .filter((person) => person.user_id > after && (status === undefined || person.status === status))
      .filter(({ email, name }) => email.includes(text) || name.toLowerCase().includes(text))
      .take(limit + 1).toArray();
    const people = found.slice(0, limit);
    return { people, next: found.length > limit ? people.at(-1)!.user_id : null };
  }

  #change(userId: number, change: Partial<Person>): void {
    const person = this.#byId.get(userId);
    if (person !== undefined) this.#byId.set(userId, { ...person, ...change });
  }
}
