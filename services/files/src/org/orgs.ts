/** The orgs as they are recorded: changed by commands, loaded with everything that is in the store now, and all of them for lists. */
import { eventCodec, type KgpuEvent, type OrgEvent } from '@kgpu/contracts';
import { CommandHandler } from '@kgpu/event-store';
import type { Projection, ServiceContext } from '@kgpu/runtime';
import { orgDecider, type OpenOrg, type OrgCommand, type OrgState } from './org.ts';

/** Every org by its slug, in memory. */
export class OrgDirectory {
  readonly #bySlug = new Map<string, OpenOrg>();

  apply(event: KgpuEvent): void {
    if (event.type !== 'OrgCreated' && event.type !== 'OrgMemberSet' && event.type !== 'OrgMemberRemoved') return;
    const { slug } = event.data;
    this.#bySlug.set(slug, orgDecider.evolve(this.#bySlug.get(slug) ?? { status: 'none' }, event) as OpenOrg);
  }

  get slugs(): string[] {
    return [...this.#bySlug.keys()];
  }

  /** By slug; `after` is the last slug of the page before. One more than `limit` says that there are more. */
  list(after: string | null, limit: number): OpenOrg[] {
    return [...this.#bySlug.values()].filter(({ slug }) => after === null || slug > after).sort((a, b) => (a.slug < b.slug ? -1 : 1)).slice(0, limit);
  }
}

export interface RecordOptions {
  commitId: string;
  requestId?: string;
}

export class Orgs {
  readonly #commands: CommandHandler<OrgState, OrgCommand, OrgEvent>;

  constructor(
    private readonly context: ServiceContext,
    private readonly projection: Projection,
  ) {
    this.#commands = new CommandHandler(context.store, orgDecider, { codec: eventCodec });
  }

  async load(slug: string): Promise<OrgState> {
    return (await this.#commands.load(streamOf(slug))).state;
  }

  /** The org after the command, and the position of what it wrote; the directory knows it by then. */
  async record(slug: string, command: OrgCommand, options: RecordOptions): Promise<{ org: OpenOrg; position: number }> {
    const { state, position } = await this.#commands.handle(streamOf(slug), command, { ...options, now: this.context.clock.now() });
    await this.projection.reached(position);
    return { org: state as OpenOrg, position };
  }
}

function streamOf(slug: string): string {
  return `org-${slug}`;
}
