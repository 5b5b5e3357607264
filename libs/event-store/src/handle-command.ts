import { Problem } from '@kgpu/contracts';
import { setTimeout as delay } from 'node:timers/promises';
import { WrongRevision } from './event-store.ts';
import type { EventStore, NewEvent, RecordedEvent } from './event-store.ts';

/** An event as domain files make and receive it, in the current shape of its type. */
export type DomainEvent = { type: string; data: object };

/** The rules of one kind of stream as pure functions. `decide` throws a `Problem` to refuse, returns `[]` for "already so". */
export interface Decider<State, Command, Event extends DomainEvent> {
  initial: State;
  decide(command: Command, state: State, now: Date): Event[];
  /** Returns a new state: states are never changed in place. */
  evolve(state: State, event: Event): State;
}

/** Stamps versions at writing, lifts old versions at reading. */
export interface EventCodec {
  encode(event: DomainEvent): NewEvent;
  decode(event: RecordedEvent): DomainEvent;
}

export interface HandlerOptions<State = never> {
  /** Default: every event has version 1, any other is an error. */
  codec?: EventCodec;
  /** So many states are kept in memory, the ones used last (default 1,000). */
  cacheStreams?: number;
  /** A state of the stream that is known already (from a snapshot): the stream is read from there on. Default: from its start. */
  recall?: (stream: string) => Loaded<State> | undefined;
}

export interface CommandOptions {
  /** Makes the command repeatable, see `AppendOptions.commitId`. */
  commitId: string;
  /** Business time. */
  now: Date;
  requestId?: string;
  /** Ids of the events that made a policy give this command. */
  causedBy?: string[];
}

export interface Loaded<State> {
  state: State;
  /** The stream's last revision, -1 for an unknown stream. */
  revision: number;
  /** Position of the stream's last event, 0 for an unknown stream. */
  position: number;
}

export interface Handled<State, Event> extends Loaded<State> {
  /** What the command wrote, this time or the first time. */
  events: Event[];
  /** The command had been handled before: `events` and `position` are of then, `state` and `revision` of now. */
  repeated: boolean;
}

const maxTries = 20;
const maxWaiting = 10_000;
const pageSize = 1_000;

/** For events that have only ever had one shape. */
const plainCodec: EventCodec = {
  encode: ({ type, data }) => ({ type, v: 1, data }),
  decode({ type, v, data, position }) {
    if (v !== 1) throw new Error(`${type} version ${v} at position ${position} needs a codec`);
    return { type, data };
  },
};

/** Serves every command of one kind of stream: load, decide, append; again when somebody else was faster. */
export class CommandHandler<State, Command, Event extends DomainEvent> {
  readonly #store: EventStore;
  readonly #decider: Decider<State, Command, Event>;
  readonly #codec: EventCodec;
  readonly #cacheStreams: number;
  readonly #recall: (stream: string) => Loaded<State> | undefined;
  readonly #cache = new Map<string, Loaded<State>>();
  readonly #lines = new Map<string, { last: Promise<unknown>; waiting: number }>();

  constructor(store: EventStore, decider: Decider<State, Command, Event>, options: HandlerOptions<State> = {}) {
    this.#store = store;
    this.#decider = decider;
    this.#codec = options.codec ?? plainCodec;
    this.#cacheStreams = options.cacheStreams ?? 1_000;
    this.#recall = options.recall ?? (() => undefined);
  }

  /**
   * Commands to one stream are handled one after the other, so that those of one process never race. A commit that the
   * stream holds already isn't decided again: it might be refused now though it was accepted then.
   * @throws Problem what `decide` refuses with; `conflict` when other processes were faster time after time.
   */
  async handle(stream: string, command: Command, options: CommandOptions): Promise<Handled<State, Event>> {
    const line = this.#lines.get(stream) ?? { last: Promise.resolve(), waiting: 0 };
    if (line.waiting >= maxWaiting) throw new Problem('service_unavailable', `Too many commands wait for ${stream}`, { retry_after_seconds: 1 });
    this.#lines.set(stream, line);
    line.waiting++;
    const handled = line.last.then(() => this.#handleNow(stream, command, options));
    line.last = handled.catch(() => {});
    try {
      return await handled;
    } finally {
      if (--line.waiting === 0) this.#lines.delete(stream);
    }
  }

  /** The stream's state, with everything that is in the store now. */
  async load(stream: string): Promise<Loaded<State>> {
    return (await this.#loadWithNews(stream)).loaded;
  }

  async #handleNow(stream: string, command: Command, options: CommandOptions): Promise<Handled<State, Event>> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#try(stream, command, options);
      } catch (error) {
        if (!(error instanceof WrongRevision)) throw error;
        this.#cache.delete(stream);
        if (tries === maxTries) throw new Problem('conflict', undefined, { retry_after_seconds: 1 }, { cause: error });
      }
      await delay(Math.random() * Math.min(2 ** tries, 100));
    }
  }

  async #try(stream: string, command: Command, options: CommandOptions): Promise<Handled<State, Event>> {
    const loaded = await this.load(stream);
    // After the load: a commit that isn't found here isn't in the state either.
    if ((await this.#store.findCommit(stream, options.commitId)) !== null) return this.#repeat(stream, options.commitId);
    const decided = this.#decider.decide(command, loaded.state, options.now);
    if (decided.length === 0) return { ...loaded, events: [], repeated: false };
    const { position, repeated } = await this.#store.append(stream, decided.map((event) => this.#codec.encode(event)), {
      expected: loaded.revision < 0 ? 'no_stream' : loaded.revision,
      commitId: options.commitId,
      ...(options.requestId !== undefined && { requestId: options.requestId }),
      ...(options.causedBy !== undefined && { causedBy: options.causedBy }),
    });
    if (repeated) return this.#repeat(stream, options.commitId);
    // Read back, so that the state is made of what the log holds and not of what was meant to be written.
    const { loaded: after, news } = await this.#loadWithNews(stream, loaded);
    return { ...after, position, events: this.#decode(news.filter((event) => event.metadata.commit_id === options.commitId)), repeated };
  }

  async #repeat(stream: string, commitId: string): Promise<Handled<State, Event>> {
    const found = await this.#store.findCommit(stream, commitId);
    const loaded = await this.load(stream);
    return { ...loaded, position: found?.position ?? loaded.position, events: this.#decode(found?.events ?? []), repeated: true };
  }

  async #loadWithNews(stream: string, from = this.#cache.get(stream) ?? this.#recall(stream)): Promise<{ loaded: Loaded<State>; news: RecordedEvent[] }> {
    let { state, revision, position } = from ?? { state: this.#decider.initial, revision: -1, position: 0 };
    const news: RecordedEvent[] = [];
    let page: RecordedEvent[];
    do {
      page = await this.#store.read(stream, { from: revision + 1, limit: pageSize });
      for (const event of page) {
        state = this.#decider.evolve(state, this.#codec.decode(event) as Event);
        ({ revision, position } = event);
      }
      news.push(...page);
    } while (page.length === pageSize);
    const loaded = { state, revision, position };
    this.#remember(stream, loaded);
    return { loaded, news };
  }

  #remember(stream: string, loaded: Loaded<State>): void {
    this.#cache.delete(stream);
    if (loaded.revision >= 0) this.#cache.set(stream, loaded);
    if (this.#cache.size > this.#cacheStreams) this.#cache.delete(this.#cache.keys().next().value!);
  }

  #decode(events: RecordedEvent[]): Event[] {
    return events.map((event) => this.#codec.decode(event) as Event);
  }
}
