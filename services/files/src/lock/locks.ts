/** The locks of all drives as they are recorded: taken and given back by commands, seen in memory, asked before every change. */
import { eventCodec, Problem, type DavLock, type DriveId, type KgpuEvent, type LockEvent } from '@kgpu/contracts';
import { CommandHandler } from '@kgpu/event-store';
import type { Projection, ServiceContext } from '@kgpu/runtime';
import { checkLocks, covers, liveLocks, lockDecider, type LockCommand, type LockedChange, type LocksState } from './lock.ts';

/**
 * Locks in memory, and which of them hold nothing any more: what they lay on was deleted or moved away. Those count as released from
 * that fact on; they are recorded as released with the next lock of the drive, or run out.
 */
export class LockView {
  readonly #drives = new Map<DriveId, LocksState>();
  readonly #gone = new Map<DriveId, Set<string>>();

  apply(event: KgpuEvent): void {
    switch (event.type) {
      case 'PathLocked':
      case 'LockRefreshed':
      case 'LockReleased':
        return this.#evolve(event);
      case 'DeletionCompleted':
        return this.#pathGone(event.data.drive, event.data.path, event.data.scope !== 'file');
      case 'TransferCompleted':
        if (event.data.kind === 'move') this.#pathGone(event.data.drive, event.data.path, event.data.folder);
        return;
      default:
    }
  }

  gone(drive: DriveId): ReadonlySet<string> {
    return this.#gone.get(drive) ?? new Set();
  }

  /** Those on the path, those whose depth reaches it, and with depth 1 those on what lies directly in it. */
  find(drive: DriveId, { path, depth }: { path: string; depth: 0 | 1 }, now: Date): DavLock[] {
    const start = path === '' ? '' : `${path}/`;
    const isIn = (each: string): boolean => each !== '' && each.startsWith(start) && !each.slice(start.length).includes('/');
    const live = liveLocks(this.#drives.get(drive) ?? lockDecider.initial, now);
    return live.filter((lock) => !this.gone(drive).has(lock.token) && (covers(lock, path) || (depth === 1 && isIn(lock.path))));
  }

  #evolve(event: LockEvent): void {
    const { drive } = event.data;
    const state = lockDecider.evolve(this.#drives.get(drive) ?? lockDecider.initial, event);
    const gone = [...this.gone(drive)].filter((token) => state.locks.has(token));
    if (state.locks.size === 0) this.#drives.delete(drive);
    else this.#drives.set(drive, state);
    if (gone.length === 0) this.#gone.delete(drive);
    else this.#gone.set(drive, new Set(gone));
  }

  /** `deep`: and all below it. */
  #pathGone(drive: DriveId, path: string, deep: boolean): void {
    const below = path === '' ? '' : `${path}/`;
    const tokens = [...(this.#drives.get(drive)?.locks.values() ?? [])].filter((lock) => lock.path === path || (deep && lock.path.startsWith(below))).map(({ token }) => token);
    if (tokens.length > 0) this.#gone.set(drive, new Set([...this.gone(drive), ...tokens]));
  }
}

export interface LockOptions {
  commitId: string;
  requestId: string;
}

export class Locks {
  readonly #commands: CommandHandler<LocksState, LockCommand, LockEvent>;

  constructor(
    private readonly context: ServiceContext,
    private readonly view: LockView,
    private readonly projection: Projection,
  ) {
    this.#commands = new CommandHandler(context.store, lockDecider, { codec: eventCodec });
  }

  /** What is locked now, with everything that is in the store, holds against the change. @throws Problem `locked` */
  async check(drive: DriveId, change: { path: string; change: LockedChange; submitted: readonly string[]; by: number | null }): Promise<void> {
    const { state } = await this.#commands.load(streamOf(drive));
    if (state.locks.size === 0) return;
    const gone = this.view.gone(drive);
    checkLocks(liveLocks(state, this.context.clock.now()).filter(({ token }) => !gone.has(token)), change);
  }

  async take(command: Omit<Extract<LockCommand, { type: 'Lock' }>, 'type' | 'gone'>, options: LockOptions): Promise<{ lock: DavLock; position: number }> {
    const { events, position } = await this.#record({ type: 'Lock', ...command, gone: [...this.view.gone(command.drive)] }, options);
    const taken = events.find((event) => event.type === 'PathLocked');
    if (taken === undefined) throw new Problem('conflict');
    return { lock: taken.data.lock, position };
  }

  async refresh(command: Omit<Extract<LockCommand, { type: 'Refresh' }>, 'type'>, options: LockOptions): Promise<{ lock: DavLock; position: number }> {
    if (this.view.gone(command.drive).has(command.token)) throw new Problem('precondition_failed', 'What the lock lay on is gone.');
    const { state, position } = await this.#record({ type: 'Refresh', ...command }, options);
    const lock = state.locks.get(command.token);
    if (lock === undefined) throw new Problem('precondition_failed', 'The lock was given back meanwhile.');
    return { lock, position };
  }

  async unlock(command: Omit<Extract<LockCommand, { type: 'Unlock' }>, 'type'>, options: LockOptions): Promise<number> {
    return (await this.#record({ type: 'Unlock', ...command }, options)).position;
  }

  /** Takes a lock back whose file could not be made. */
  async releaseGone(drive: DriveId, token: string, options: LockOptions): Promise<void> {
    await this.#record({ type: 'ReleaseGone', drive, token }, options);
  }

  async #record(command: LockCommand, options: LockOptions): ReturnType<CommandHandler<LocksState, LockCommand, LockEvent>['handle']> {
    const handled = await this.#commands.handle(streamOf(command.drive), command, { ...options, now: this.context.clock.now() });
    await this.projection.reached(handled.position);
    return handled;
  }
}

function streamOf(drive: DriveId): string {
  return `lock-${drive}`;
}
