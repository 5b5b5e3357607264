/** A store as a process sees it that will be killed: from an instant on nothing that it has asked for comes back. */
import type { AppendOptions, AppendResult, EventStore, NewEvent, ReadAllOptions, ReadOptions, SubscribeOptions } from '@kgpu/event-store';

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

export class Mortality {
  dead = false;
  /** So many more deeds; `afterwards`: the last one is done, and only its answer is lost. */
  left: { deeds: number; afterwards: boolean } | null = null;

  /** Does a deed, unless death comes first. */
  async act<T>(deed: () => Promise<T>): Promise<T> {
    if (this.dead) return never();
    if (this.left !== null && this.left.deeds-- === 0) {
      const { afterwards } = this.left;
      this.dead = true;
      if (afterwards) await deed();
    }
    if (this.dead) return never();
    const done = await deed();
    return this.alive(done);
  }

  /** What was asked for, unless nobody is there any more to hear it. */
  alive<T>(answer: T): T | Promise<T> {
    return this.dead ? never<T>() : answer;
  }
}

export class MortalStore implements EventStore {
  constructor(
    private readonly store: EventStore,
    private readonly mortality: Mortality,
  ) {}

  append(stream: string, events: readonly NewEvent[], options: AppendOptions): Promise<AppendResult> {
    return this.mortality.act(() => this.store.append(stream, events, options));
  }

  async findCommit(stream: string, commitId: string) {
    return this.mortality.alive(await this.store.findCommit(stream, commitId));
  }

  async read(stream: string, options?: ReadOptions) {
    return this.mortality.alive(await this.store.read(stream, options));
  }

  async readAll(options?: ReadAllOptions) {
    return this.mortality.alive(await this.store.readAll(options));
  }

  subscribe(options: SubscribeOptions, handler: Parameters<EventStore['subscribe']>[1]) {
    return this.store.subscribe(options, (event) => (this.mortality.dead ? undefined : handler(event)));
  }

  async head() {
    return this.mortality.alive(await this.store.head());
  }

  wake(): void {
    this.store.wake();
  }

  onAppend(listener: (position: number) => void): () => void {
    return this.store.onAppend(listener);
  }

  close(): Promise<void> {
    return this.store.close();
  }
}
