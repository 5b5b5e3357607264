import { describe, expect, it } from '@jest/globals';
import type { DavLock, KgpuEvent } from '@kgpu/contracts';
import { LockView } from './locks.ts';

const drive = 'user-1';
const now = new Date('2026-01-01T00:00:00Z');
const at = now.toISOString();
const lockAt = (token: string, path: string, depth: DavLock['depth'] = '0'): KgpuEvent => ({
  type: 'PathLocked',
  data: { drive, at, lock: { token, path, depth, scope: 'exclusive', owner: '', by: 1, timeout_seconds: 60, expires_at: '2026-01-01T00:01:00Z' } },
});
const deleted = (path: string, scope: 'file' | 'folder' = 'folder'): KgpuEvent => ({ type: 'DeletionCompleted', data: { drive, operation_id: 'o', path, scope, files: 1, exact: true, at } });
const transferred = (kind: 'copy' | 'move', path: string, to: string): KgpuEvent => ({
  type: 'TransferCompleted', data: { drive, operation_id: 'o', kind, path, to, folder: true, shallow: false, created: true, files: 1, exact: true, at },
});
const after = (...events: KgpuEvent[]): LockView => {
  const view = new LockView();
  for (const event of events) view.apply(event);
  return view;
};
const tokens = (view: LockView, path: string, depth: 0 | 1 = 0, when = now) => view.find(drive, { path, depth }, when).map(({ token }) => token);

describe('the locks of a drive', () => {
  it('are found on a path, above it, and with depth 1 in it', () => {
    const view = after(lockAt('t', 'f', 'infinity'), lockAt('u', 'g/a'), lockAt('v', 'g/a/b'));
    expect([tokens(view, 'f'), tokens(view, 'f/x/y'), tokens(view, 'g'), tokens(view, 'g', 1), tokens(view, 'fx')]).toEqual([['t'], ['t'], [], ['u'], []]);
  });

  it('end with what they lie on: when it is deleted or moved away, with a folder above it too', () => {
    expect(tokens(after(lockAt('t', 'f/a'), deleted('f/a', 'file')), 'f/a')).toEqual([]);
    expect(tokens(after(lockAt('t', 'f/a'), deleted('f')), 'f/a')).toEqual([]);
    expect(tokens(after(lockAt('t', 'f/a'), transferred('move', 'f', 'g')), 'f/a')).toEqual([]);
    expect(tokens(after(lockAt('t', 'f/a'), deleted('')), 'f/a')).toEqual([]);
  });

  it('stay with what is copied, replaced, or called nearly so', () => {
    expect(tokens(after(lockAt('t', 'f/a'), transferred('copy', 'f', 'g'), transferred('move', 'h', 'f/a'), deleted('f/ab'), deleted('f', 'file')), 'f/a')).toEqual(['t']);
  });

  it('that are taken after a deletion hold', () => {
    expect(tokens(after(lockAt('t', 'a'), deleted('a'), lockAt('u', 'a')), 'a')).toEqual(['u']);
  });

  it('are gone when their time is over', () => {
    expect(tokens(after(lockAt('t', 'a')), 'a', 0, new Date('2026-01-01T00:01:00Z'))).toEqual([]);
  });
});
