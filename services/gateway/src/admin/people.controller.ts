import { Controller } from '@nestjs/common';
import { GrantCredits, OpenAccount, Problem, routes } from '@kgpu/contracts';
import type { Given } from '../http/given.ts';
import { Handles } from '../http/handles.ts';
import { invalidRequest } from '../http/parse-input.ts';
import { Parts } from '../http/parts.ts';
import { Result } from '../http/result.ts';
import { nameOf } from '../identity/caller.ts';
import type { Person } from '../identity/directory.ts';
import { Identity } from '../identity/identity.ts';
import { People } from '../identity/people.projection.ts';

/** Changes of one account take turns; with a thousand at once the last one waits. */
const TURN_MS = 20_000;

@Controller()
export class PeopleController {
  constructor(
    private readonly people: People,
    private readonly identity: Identity,
    private readonly parts: Parts,
  ) {}

  @Handles(routes.listUsers)
  async list({ query }: Given<typeof routes.listUsers>) {
    const { people, next } = this.people.list({ ...query, after: afterUser(query.cursor) });
    return { users: people, next_cursor: next === null ? null : String(next) };
  }

  @Handles(routes.createUser)
  async create(given: Given<typeof routes.createUser>) {
    const { email, role, status, name = email.split('@')[0]! } = given.body;
    const { person, position } = await this.identity.register({ email, name, role, status }, given.command.id, given.requestId);
    this.parts.wrote(given, position);
    // The ledger opens an account for everybody whom it finds in the log; asking makes the balance be there at once.
    await this.parts.ask(OpenAccount, { user_id: person.user_id }, given).catch((error: unknown) => {
      if (!(error instanceof Problem)) throw error;
    });
    return person;
  }

  @Handles(routes.changeUser)
  async change(given: Given<typeof routes.changeUser>) {
    const { person, position } = await this.identity.change(given.params.user_id, given.body, given.command.id, given.requestId);
    this.parts.wrote(given, position);
    return person;
  }

  @Handles(routes.issueToken)
  async issueToken(given: Given<typeof routes.issueToken>) {
    const { user_id, status } = this.#person(given.params.user_id);
    if (status === 'suspended') throw new Problem('forbidden', 'The user is suspended.');
    const { token, tokenId, position } = await this.identity.issueToken(user_id, given.body?.note ?? null, given.command, given.requestId);
    this.parts.wrote(given, position);
    return new Result({ token, token_id: tokenId }, 201, {}, false);
  }

  @Handles(routes.revokeToken)
  async revokeToken(given: Given<typeof routes.revokeToken>) {
    const { token_id } = given.params;
    const { user_id } = this.#person(given.params.user_id);
    this.parts.wrote(given, await this.identity.revokeToken(user_id, token_id, given.command.id, given.requestId));
    return { token_id, revoked: true as const };
  }

  @Handles(routes.grantCredits)
  async grantCredits(given: Given<typeof routes.grantCredits>) {
    const { user_id } = this.#person(given.params.user_id);
    const { credits, note = null } = given.body;
    const grant = { command_id: given.command.id, user_id, credits, note, granted_by: nameOf(given.caller) };
    const { balance } = await this.parts.ask(GrantCredits, grant, given, TURN_MS);
    return balance;
  }

  #person(userId: number): Person {
    const person = this.people.get(userId);
    if (person === undefined) throw new Problem('user_not_found');
    return person;
  }
}

function afterUser(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  if (!/^\d{1,10}$/.test(cursor)) throw invalidRequest([{ pointer: '/query/cursor', message: 'must be next_cursor of the page before' }]);
  return Number(cursor);
}
