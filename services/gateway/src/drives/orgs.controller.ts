import { Controller } from '@nestjs/common';
import { CreateOrg, ListMembers, ListOrgs, Problem, RemoveMember, routes, SetMember } from '@kgpu/contracts';
import type { Given } from '../http/given.ts';
import { Handles } from '../http/handles.ts';
import { LiveStreams } from '../http/live-streams.ts';
import { Parts } from '../http/parts.ts';
import { Result } from '../http/result.ts';
import { userOf, type Caller } from '../identity/caller.ts';
import { People } from '../identity/people.projection.ts';
import { linesHeaders } from '../ledger/media.ts';
import { DriveFacts } from './drive-facts.ts';
import { reconciliationLines } from './reconciliation-lines.ts';

/** Orgs and who belongs to them: for admins, members also for admins of their org. */
@Controller()
export class OrgsController {
  constructor(
    private readonly parts: Parts,
    private readonly people: People,
    private readonly facts: DriveFacts,
    private readonly streams: LiveStreams,
  ) {}

  @Handles(routes.listOrgs)
  async list(given: Given<typeof routes.listOrgs>) {
    const { limit, cursor = null } = given.query;
    return this.parts.ask(ListOrgs, { limit, cursor }, given);
  }

  @Handles(routes.createOrg)
  async create(given: Given<typeof routes.createOrg>) {
    this.#mustExist(given.body.owner_user_id);
    const { org, position } = await this.parts.ask(CreateOrg, { command_id: given.command.id, ...given.body }, given);
    await this.facts.reached(position);
    return org;
  }

  @Handles(routes.listMembers)
  async members(given: Given<typeof routes.listMembers>) {
    const { limit, cursor = null } = given.query;
    return this.parts.ask(ListMembers, { slug: given.params.slug, by: actor(given.caller), limit, cursor }, given);
  }

  @Handles(routes.setMember)
  async setMember(given: Given<typeof routes.setMember>) {
    const { slug } = given.params;
    const by = actor(given.caller);
    // Who may not change the org learns nothing of who has an account.
    if (by === null || this.facts.orgs.roleIn(slug, by) === 'admin') this.#mustExist(given.body.user_id);
    const { member, position } = await this.parts.ask(SetMember, { command_id: given.command.id, slug, ...given.body, by }, given);
    await this.facts.reached(position);
    return member;
  }

  @Handles(routes.removeMember)
  async removeMember(given: Given<typeof routes.removeMember>) {
    const { slug, user_id } = given.params;
    const { position } = await this.parts.ask(RemoveMember, { command_id: given.command.id, slug, user_id, by: actor(given.caller) }, given);
    await this.facts.reached(position);
    return { slug, user_id, removed: true as const };
  }

  @Handles(routes.reconcileFiles)
  async reconcile(given: Given<typeof routes.reconcileFiles>) {
    const { user_id, org } = given.body ?? {};
    if (user_id !== undefined) this.#mustExist(user_id);
    if (org !== undefined && !this.facts.orgs.has(org)) throw new Problem('org_not_found');
    return new Result(this.streams.open(await reconciliationLines(this.parts, given, { user_id, org })), 200, linesHeaders);
  }

  #mustExist(userId: number): void {
    if (this.people.get(userId) === undefined) throw new Problem('user_not_found');
  }
}

/** Null for admins, who may everything. */
function actor(caller: Caller): number | null {
  if (caller.kind === 'admin_token') return null;
  return caller.kind === 'user' && caller.person.role === 'admin' ? null : userOf(caller);
}
