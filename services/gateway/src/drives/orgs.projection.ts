/** Who belongs to which org, in memory: every request for a shared drive asks. */
import type { KgpuEvent, OrgRole } from '@kgpu/contracts';

export interface Membership {
  slug: string;
  name: string;
  role: OrgRole;
}

interface Org {
  name: string;
  roles: Map<number, OrgRole>;
}

export class Orgs {
  readonly #orgs = new Map<string, Org>();

  apply(event: KgpuEvent): void {
    switch (event.type) {
      case 'OrgCreated':
        this.#orgs.set(event.data.slug, { name: event.data.name, roles: new Map([[event.data.owner_user_id, 'admin']]) });
        return;
      case 'OrgMemberSet':
        this.#orgs.get(event.data.slug)?.roles.set(event.data.user_id, event.data.role);
        return;
      case 'OrgMemberRemoved':
        this.#orgs.get(event.data.slug)?.roles.delete(event.data.user_id);
        return;
      default:
    }
  }

  has(slug: string): boolean {
    return this.#orgs.has(slug);
  }

  /** Null for who is no member, and where there is no such org: nobody learns which. */
  roleIn(slug: string, userId: number): OrgRole | null {
    return this.#orgs.get(slug)?.roles.get(userId) ?? null;
  }

  /** In the order of their slugs. */
  of(userId: number): Membership[] {
    return [...this.#orgs]
      .flatMap(([slug, { name, roles }]) => (roles.has(userId) ? [{ slug, name, role: roles.get(userId)! }] : []))
      .sort((a, b) => (a.slug < b.slug ? -1 : 1));
  }
}
