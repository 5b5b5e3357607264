/** The write locks of one drive (RFC 4918, 6 and 7). It exists so that two clients that edit the same file don't overwrite each other. */
import { Problem, type DavLock, type DriveId, type LockEvent } from '@kgpu/contracts';
import type { Decider } from '@kgpu/event-store';

export interface LocksState {
  /** By token. Some may have expired. */
  locks: ReadonlyMap<string, DavLock>;
}

/** `submitted`: tokens that the request names. */
export type LockCommand =
  /**
   * `isNew`: nothing has the path, so locking it changes its folder. `gone`: tokens of locks whose path was deleted or moved away
   * and that nobody has released yet.
   */
  | { type: 'Lock'; drive: DriveId; lock: Omit<DavLock, 'expires_at'>; isNew: boolean; submitted: readonly string[]; gone: readonly string[] }
  | { type: 'Refresh'; drive: DriveId; token: string; path: string; by: number; timeoutSeconds: number }
  | { type: 'Unlock'; drive: DriveId; token: string; path: string; by: number }
  | { type: 'ReleaseGone'; drive: DriveId; token: string };

/** What a request does to a path: `content` to what is there, `member` makes it, `tree` replaces or removes it with all below it. */
export type LockedChange = 'content' | 'member' | 'tree';

export const MAX_LOCKS_PER_DRIVE = 1_000;

function evolve({ locks }: LocksState, event: LockEvent): LocksState {
  const after = new Map(locks);
  // Instants of facts are all written alike, so that they compare as text.
  for (const [token, { expires_at }] of locks) if (expires_at <= event.data.at) after.delete(token);
  switch (event.type) {
    case 'PathLocked':
      return { locks: after.set(event.data.lock.token, event.data.lock) };
    case 'LockRefreshed': {
      const { token, timeout_seconds, expires_at } = event.data;
      const lock = after.get(token);
      return { locks: lock === undefined ? after : after.set(token, { ...lock, timeout_seconds, expires_at }) };
    }
    case 'LockReleased':
      after.delete(event.data.token);
      return { locks: after };
  }
}

function decide(command: LockCommand, state: LocksState, now: Date): LockEvent[] {
  const live = liveLocks(state, now);
  switch (command.type) {
    case 'Lock':
      return lockPath(command, live, now);
    case 'Refresh':
      return refresh(command, live, now);
    case 'Unlock':
      return unlock(command, live, now);
    case 'ReleaseGone':
      return state.locks.has(command.token) ? [released(command, 'path_gone', now)] : [];
  }
}

export const lockDecider: Decider<LocksState, LockCommand, LockEvent> = { initial: { locks: new Map() }, evolve, decide };

export function liveLocks({ locks }: LocksState, now: Date): DavLock[] {
  return [...locks.values()].filter((lock) => isLive(lock, now));
}

/** Whether the lock reaches the path. */
export function covers({ path: root, depth }: DavLock, path: string): boolean {
  return root === path || (depth === 'infinity' && isBelow(path, root));
}

/**
 * Lets a change pass when, of the locks on everything that it touches, a token of the user was submitted. `by` null: kgpu itself,
 * for whom any token counts.
 * @throws Problem `locked`, with `locked_paths`
 */
export function checkLocks(locks: readonly DavLock[], { path, change, submitted, by }: { path: string; change: LockedChange; submitted: readonly string[]; by: number | null }): void {
  if (locks.length === 0) return;
  const touched = new Set([path]);
  if (change !== 'content' && path !== '') touched.add(folderOf(path));
  if (change === 'tree') for (const lock of locks) if (isBelow(lock.path, path)) touched.add(lock.path);
  const opened = (lock: DavLock): boolean => submitted.includes(lock.token) && (by === null || lock.by === by);
  const closed = [...touched].filter((place) => {
    const over = locks.filter((lock) => covers(lock, place));
    return over.length > 0 && !over.some(opened);
  });
  if (closed.length > 0) throw locked(closed);
}

function lockPath({ drive, lock, isNew, submitted, gone }: Extract<LockCommand, { type: 'Lock' }>, live: DavLock[], now: Date): LockEvent[] {
  const standing = live.filter(({ token }) => !gone.includes(token));
  const against = standing.filter((other) => overlap(other, lock) && (other.scope === 'exclusive' || lock.scope === 'exclusive'));
  if (against.length > 0) throw locked([...new Set(against.map(({ path }) => path))]);
  // A name that appears changes the folder that it appears in, but not what a shared lock on the name itself holds.
  if (isNew && lock.path !== '') checkLocks(standing, { path: folderOf(lock.path), change: 'content', submitted, by: lock.by });
  if (standing.length >= MAX_LOCKS_PER_DRIVE) throw new Problem('conflict', `The drive holds ${MAX_LOCKS_PER_DRIVE} locks.`);
  const fact = { ...lock, expires_at: expiryOf(lock.timeout_seconds, now) };
  return [
    ...live.filter(({ token }) => gone.includes(token)).map(({ token }) => released({ drive, token }, 'path_gone', now)),
    { type: 'PathLocked', data: { drive, lock: fact, at: now.toISOString() } },
  ];
}

function refresh({ drive, token, path, by, timeoutSeconds }: Extract<LockCommand, { type: 'Refresh' }>, live: DavLock[], now: Date): LockEvent[] {
  const lock = live.find((held) => held.token === token && covers(held, path) && held.by === by);
  if (lock === undefined) throw new Problem('precondition_failed', 'No lock of yours with this token reaches the path.');
  return [{ type: 'LockRefreshed', data: { drive, token, timeout_seconds: timeoutSeconds, expires_at: expiryOf(timeoutSeconds, now), at: now.toISOString() } }];
}

function unlock({ drive, token, path, by }: Extract<LockCommand, { type: 'Unlock' }>, live: DavLock[], now: Date): LockEvent[] {
  const lock = live.find((held) => held.token === token && covers(held, path));
  if (lock === undefined) throw new Problem('conflict', 'No lock with this token reaches the path.');
  if (lock.by !== by) throw new Problem('forbidden', 'The lock is somebody else\'s.');
  return [released({ drive, token }, 'unlocked', now)];
}

function released({ drive, token }: { drive: DriveId; token: string }, reason: 'unlocked' | 'path_gone', now: Date): LockEvent {
  return { type: 'LockReleased', data: { drive, token, reason, at: now.toISOString() } };
}

function locked(paths: string[]): Problem {
  return new Problem('locked', `Locked: ${paths.slice(0, 10).map((path) => `/${path}`).join(', ').slice(0, 1_000)}`, { locked_paths: paths.slice(0, 100) });
}

function overlap(one: DavLock, other: Pick<DavLock, 'path' | 'depth'>): boolean {
  return covers(one, other.path) || (other.depth === 'infinity' && isBelow(one.path, other.path));
}

function isLive({ expires_at }: DavLock, now: Date): boolean {
  return Date.parse(expires_at) > now.getTime();
}

function isBelow(path: string, folder: string): boolean {
  return folder === '' ? path !== '' : path.startsWith(`${folder}/`);
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function expiryOf(seconds: number, now: Date): string {
  return new Date(now.getTime() + seconds * 1_000).toISOString();
}
