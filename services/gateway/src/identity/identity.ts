/** Users and their tokens: the orders that change them. Each resolves when the projections know what it wrote. */
import { derivedId, eventCodec, hashToken, type DirectoryEvent, type Role, type TokenEvent, type UserStatus } from '@kgpu/contracts';
import { CommandHandler, type EventStore } from '@kgpu/event-store';
import { createHmac } from 'node:crypto';
import type { Clock, Projection } from '@kgpu/runtime';
import type { Command } from '../requests/command.ts';
import { directoryDecider, type DirectoryCommand, type DirectoryState, type Person } from './directory.ts';
import { tokensDecider, type TokensCommand, type TokensState } from './tokens.ts';

export interface IssuedToken {
  token: string;
  tokenId: string;
  position: number;
}

export class Identity {
  readonly #directory: CommandHandler<DirectoryState, DirectoryCommand, DirectoryEvent>;
  readonly #tokens: CommandHandler<TokensState, TokensCommand, TokenEvent>;

  constructor(
    store: EventStore,
    private readonly clock: Clock,
    private readonly secret: Buffer,
    private readonly projection: Projection,
  ) {
    this.#directory = new CommandHandler(store, directoryDecider, { codec: eventCodec });
    this.#tokens = new CommandHandler(store, tokensDecider, { codec: eventCodec });
  }

  /** @throws Problem `email_taken` */
  async register(person: Pick<Person, 'email' | 'name' | 'role' | 'status'>, commandId: string, requestId?: string): Promise<{ person: Person; position: number }> {
    const { events, state, position } = await this.#directory.handle('directory', { type: 'Register', ...person }, this.#options(commandId, requestId));
    await this.projection.reached(position);
    return { person: state.byId.get(events[0]!.data.user_id)!, position };
  }

  /** @throws Problem `user_not_found`, `last_admin` */
  async change(userId: number, change: { role?: Role | undefined; status?: UserStatus | undefined }, commandId: string, requestId?: string): Promise<{ person: Person; position: number }> {
    const { state, position } = await this.#directory.handle('directory', { type: 'Change', userId, ...change }, this.#options(commandId, requestId));
    await this.projection.reached(position);
    return { person: state.byId.get(userId)!, position };
  }

  /**
   * A new token. It is derived from the command and the install's secret, so that the same command gives the same token
   * again though only its hash is stored.
   */
  async issueToken(userId: number, note: string | null, command: Command, requestId?: string): Promise<IssuedToken> {
    const token = `kgpu_${createHmac('sha256', this.secret).update(`user-token:${command.id}`).digest('hex').slice(0, 48)}`;
    return this.recordToken(userId, token, note, command.id, requestId);
  }

  /** Makes a token that is there already a good one; a repeat does nothing. */
  async recordToken(userId: number, token: string, note: string | null, commandId: string, requestId?: string): Promise<IssuedToken> {
    const tokenHash = hashToken(token);
    const tokenId = derivedId('token', tokenHash).slice(0, 16);
    const position = await this.#token(userId, { type: 'Issue', userId, tokenId, tokenHash, note }, commandId, requestId);
    return { token, tokenId, position };
  }

  /** @throws Problem `token_not_found` */
  async revokeToken(userId: number, tokenId: string, commandId: string, requestId?: string): Promise<number> {
    return this.#token(userId, { type: 'Revoke', userId, tokenId }, commandId, requestId);
  }

  async revokeTokens(userId: number, commandId: string): Promise<number> {
    return this.#token(userId, { type: 'RevokeAll', userId }, commandId);
  }

  async #token(userId: number, order: TokensCommand, commandId: string, requestId?: string): Promise<number> {
    const { position } = await this.#tokens.handle(`tokens-${userId}`, order, this.#options(commandId, requestId));
    await this.projection.reached(position);
    return position;
  }

  #options(commitId: string, requestId: string | undefined) {
    return { commitId, now: this.clock.now(), ...(requestId !== undefined && { requestId }) };
  }
}
