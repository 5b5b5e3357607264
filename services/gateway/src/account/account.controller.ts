import { Controller } from '@nestjs/common';
import { GetBalance, Problem, routes } from '@kgpu/contracts';
import { DriveFacts } from '../drives/drive-facts.ts';
import type { Given } from '../http/given.ts';
import { Handles } from '../http/handles.ts';
import { Parts } from '../http/parts.ts';
import { userOf } from '../identity/caller.ts';
import { People } from '../identity/people.projection.ts';

@Controller()
export class AccountController {
  constructor(
    private readonly parts: Parts,
    private readonly people: People,
    private readonly facts: DriveFacts,
  ) {}

  @Handles(routes.getMe)
  async me(given: Given<typeof routes.getMe>) {
    const person = this.people.get(userOf(given.caller));
    if (person === undefined) throw new Problem('user_not_found');
    const { user_id, email, name, role, status } = person;
    return { user_id, email, name, role, status, orgs: this.facts.orgs.of(user_id).map(({ slug, role: orgRole }) => ({ slug, role: orgRole })) };
  }

  @Handles(routes.getBalance)
  async balance(given: Given<typeof routes.getBalance>) {
    return this.parts.ask(GetBalance, { user_id: userOf(given.caller), at: given.query.at ?? null }, given);
  }
}
