import { describe, expect, it } from '@jest/globals';
import { Problem, type DavLock, type LockEvent } from '@kgpu/contracts';
import { given } from '@kgpu/event-store/testing';
import { checkLocks, lockDecider, MAX_LOCKS_PER_DRIVE, type LockCommand } from './lock.ts';

const drive = 'user-1';
const now = new Date('2026-01-01T00:00:00Z');
const after = (seconds: number) => new Date(now.getTime() + seconds * 1_000);
const lock = (token: string, path: string, more: Partial<DavLock> = {}): DavLock => ({
  token, path, depth: '0', scope: 'exclusive', owner: '', by: 1, timeout_seconds: 60, expires_at: after(more.timeout_seconds ?? 60).toISOString(), ...more,
});
const locked = (token: string, path: string, more: Partial<DavLock> = {}): LockEvent => ({ type: 'PathLocked', data: { drive, lock: lock(token, path, more), at: now.toISOString() } });
const released = (token: string, reason: 'unlocked' | 'path_gone' = 'unlocked', at = now): LockEvent => ({ type: 'LockReleased', data: { drive, token, reason, at: at.toISOString() } });
const take = (token: string, path: string, more: Partial<DavLock> = {}, rest: { isNew?: boolean; submitted?: string[]; gone?: string[] } = {}): LockCommand => {
  const { expires_at: _, ...wanted } = lock(token, path, more);
  return { type: 'Lock', drive, lock: wanted, isNew: false, submitted: [], gone: [], ...rest };
};
const shared = { scope: 'shared' } as const;
const deep = { depth: 'infinity' } as const;

describe('a lock', () => {
  it('is taken where nothing is locked, for as long as was asked', () => {
    given(lockDecider, []).when(take('t', 'a', { timeout_seconds: 5 }), now).then([locked('t', 'a', { timeout_seconds: 5 })]);
  });

  it('that is exclusive lives beside no other on the same path', () => {
    for (const [held, wanted] of [[{}, {}], [shared, {}], [{}, shared]] as const) {
      given(lockDecider, [locked('t', 'a', held)]).when(take('u', 'a', wanted), now).thenProblem('locked', { locked_paths: ['a'] });
    }
    given(lockDecider, [locked('t', 'a', shared)]).when(take('u', 'a', shared), now).then([locked('u', 'a', shared)]);
  });

  it('on a folder with all in it meets those above and below it', () => {
    given(lockDecider, [locked('t', 'a', deep)]).when(take('u', 'a/b/c'), now).thenProblem('locked', { locked_paths: ['a'] });
    given(lockDecider, [locked('t', 'a/b/c')]).when(take('u', 'a', deep), now).thenProblem('locked', { locked_paths: ['a/b/c'] });
    given(lockDecider, [locked('t', 'a/b/c')]).when(take('u', 'a'), now).then([locked('u', 'a')]);
    given(lockDecider, [locked('t', 'a', deep)]).when(take('u', 'ab'), now).then([locked('u', 'ab')]);
    given(lockDecider, [locked('t', 'x')]).when(take('u', '', deep), now).thenProblem('locked');
  });

  it('on a new name needs the token of its folder\'s lock', () => {
    given(lockDecider, [locked('t', 'a')]).when(take('u', 'a/b', {}, { isNew: true }), now).thenProblem('locked', { locked_paths: ['a'] });
    given(lockDecider, [locked('t', 'a')]).when(take('u', 'a/b', {}, { isNew: true, submitted: ['t'] }), now).then([locked('u', 'a/b')]);
    given(lockDecider, [locked('t', 'a')]).when(take('u', 'a/b'), now).then([locked('u', 'a/b')]);
  });

  it('ends by itself when its time has come', () => {
    given(lockDecider, [locked('t', 'a')]).when(take('u', 'a'), after(59)).thenProblem('locked');
    const next: LockEvent = { type: 'PathLocked', data: { drive, lock: lock('u', 'a', { expires_at: after(120).toISOString() }), at: after(60).toISOString() } };
    given(lockDecider, [locked('t', 'a')]).when(take('u', 'a'), after(60)).then([next]);
  });

  it('lives longer when it is refreshed by its owner in time', () => {
    const refresh = { type: 'Refresh', drive, token: 't', path: 'a', by: 1, timeoutSeconds: 100 } as const;
    const refreshed: LockEvent = { type: 'LockRefreshed', data: { drive, token: 't', timeout_seconds: 100, expires_at: after(150).toISOString(), at: after(50).toISOString() } };
    given(lockDecider, [locked('t', 'a')]).when(refresh, after(50)).then([refreshed]);
    given(lockDecider, [locked('t', 'a'), refreshed]).when(take('u', 'a'), after(149)).thenProblem('locked');
    given(lockDecider, [locked('t', 'a')]).when(refresh, after(60)).thenProblem('precondition_failed');
    given(lockDecider, [locked('t', 'a')]).when({ ...refresh, by: 2 }, now).thenProblem('precondition_failed');
    given(lockDecider, [locked('t', 'a')]).when({ ...refresh, path: 'b' }, now).thenProblem('precondition_failed');
    given(lockDecider, [locked('t', 'a', deep)]).when({ ...refresh, path: 'a/b' }, after(50)).then([refreshed]);
  });

  it('is given back by its owner only', () => {
    const unlock = { type: 'Unlock', drive, token: 't', path: 'a', by: 1 } as const;
    given(lockDecider, [locked('t', 'a')]).when(unlock, now).then([released('t')]);
    given(lockDecider, [locked('t', 'a')]).when({ ...unlock, by: 2 }, now).thenProblem('forbidden');
    given(lockDecider, [locked('t', 'a')]).when({ ...unlock, path: 'b' }, now).thenProblem('conflict');
    given(lockDecider, [locked('t', 'a'), released('t')]).when(unlock, now).thenProblem('conflict');
  });

  it('whose path is gone stands in nobody\'s way', () => {
    given(lockDecider, [locked('t', 'a')]).when(take('u', 'a', {}, { gone: ['t'] }), now).then([released('t', 'path_gone'), locked('u', 'a')]);
    given(lockDecider, [locked('t', 'a')]).when({ type: 'ReleaseGone', drive, token: 't' }, now).then([released('t', 'path_gone')]);
    given(lockDecider, []).when({ type: 'ReleaseGone', drive, token: 't' }, now).then([]);
  });

  it('is one of a thousand on a drive at most', () => {
    const tokens = Array.from({ length: MAX_LOCKS_PER_DRIVE }, (_, n) => `t${n}`);
    const full = { locks: new Map(tokens.map((token) => [token, lock(token, `file-${token}`)])) };
    expect(() => lockDecider.decide(take('u', 'a'), full, now)).toThrow('1000 locks');
    expect(lockDecider.decide(take('u', 'a'), lockDecider.evolve(full, released('t0')), now)).toEqual([locked('u', 'a')]);
  });
});

describe('a change of something locked', () => {
  const check = (locks: DavLock[], path: string, change: 'content' | 'member' | 'tree', submitted: string[] = [], by: number | null = 1): string[] => {
    try {
      checkLocks(locks, { path, change, submitted, by });
      return [];
    } catch (error) {
      return (error as Problem).fields['locked_paths'] as string[];
    }
  };

  it('needs the token, and the token\'s owner', () => {
    expect(check([lock('t', 'a')], 'a', 'content')).toEqual(['a']);
    expect(check([lock('t', 'a')], 'a', 'content', ['t'])).toEqual([]);
    expect(check([lock('t', 'a')], 'a', 'content', ['t'], 2)).toEqual(['a']);
    expect(check([lock('t', 'a')], 'a', 'content', ['t'], null)).toEqual([]);
    expect(check([lock('t', 'a')], 'b', 'content')).toEqual([]);
  });

  it('needs one token where several share', () => {
    const both = [lock('t', 'a', shared), lock('u', 'a', { ...shared, by: 2 })];
    expect(check(both, 'a', 'content', ['u'], 2)).toEqual([]);
    expect(check(both, 'a', 'content', ['t'], 2)).toEqual(['a']);
  });

  it('that makes or removes a name needs the token of the folder, whatever its depth', () => {
    for (const change of ['member', 'tree'] as const) {
      expect(check([lock('t', 'a')], 'a/b', change)).toEqual(['a']);
      expect(check([lock('t', 'a', deep)], 'a/b', change, ['t'])).toEqual([]);
      expect(check([lock('t', '')], 'b', change)).toEqual(['']);
    }
    expect(check([lock('t', 'a')], 'a/b', 'content')).toEqual([]);
    expect(check([lock('t', 'a', deep)], 'a/b', 'content')).toEqual(['a/b']);
    expect(check([lock('t', 'a')], 'a/b/c', 'member')).toEqual([]);
  });

  it('of a tree needs a token for all that is locked in it', () => {
    const locks = [lock('t', 'a/b'), lock('u', 'a/c/d'), lock('v', 'ab')];
    expect(check(locks, 'a', 'tree')).toEqual(['a/b', 'a/c/d']);
    expect(check(locks, 'a', 'tree', ['t'])).toEqual(['a/c/d']);
    expect(check(locks, 'a', 'tree', ['t', 'u'])).toEqual([]);
    expect(check(locks, '', 'tree', ['t', 'u'])).toEqual(['ab']);
  });
});
