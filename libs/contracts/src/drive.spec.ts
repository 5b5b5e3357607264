import { describe, expect, it } from '@jest/globals';
import { drivePrefix, encodeDrivePath, objectKey, ownerOf, parentOf, parseDrivePath } from './drive.ts';
import { Problem, type ProblemCode } from './problem.ts';

const mine = 'user-1';

/** Why a path is refused. */
function refusal(raw: string): ProblemCode | null {
  try {
    parseDrivePath(mine, raw);
    return null;
  } catch (error) {
    return (error as Problem).code;
  }
}

describe('a path of a drive', () => {
  it.each([
    ['a/b.txt', 'a/b.txt', false],
    ['a/b/', 'a/b', true],
    ['', '', true],
    ['a%20b+c%23%3F', 'a b+c#?', false],
    ['caf%65%CC%81', 'café', false],
    ['%E2%82%AC', '€', false],
  ])('%j is %j', (raw, path, isFolder) => {
    expect(parseDrivePath(mine, raw)).toEqual({ path, isFolder });
  });

  it.each(['a%2Fb', 'a%5Cb', 'a\\b', '%00', 'a/%0a', '..', '.', '%2e%2e/a', 'a/../b', 'a//b', '/a', 'a//', '//', '%zz', '%c3%28', '%ed%a0%80', '%E2%80%A8', '%C2%85'])('%j is refused', (raw) => {
    expect(refusal(raw)).toBe('invalid_path');
  });

  it('fits into a key of 1,024 bytes, in segments of 255', () => {
    const full = `${`${'a'.repeat(250)}/`.repeat(4)}${'b'.repeat(1_024 - 8 - 4 * 251)}`;
    expect(Buffer.byteLength(objectKey(mine, full))).toBe(1_024);
    expect(parseDrivePath(mine, full).path).toBe(full);
    for (const raw of [`${full}b`, `${full}/`, 'é'.repeat(128), encodeURIComponent('é'.repeat(128))]) expect(refusal(raw)).toBe('invalid_path');
    expect(parseDrivePath(mine, 'é'.repeat(127)).path).toBe('é'.repeat(127));
  });

  it('comes back as it was written into a URL', () => {
    for (const path of ["it's (a) *test*!/+ %&?#/é€😀", 'x']) expect(parseDrivePath(mine, encodeDrivePath(path)).path).toBe(path);
  });

  it('lies in a folder', () => {
    expect(['a/b/c', 'a', ''].map(parentOf)).toEqual(['a/b', '', null]);
  });
});

describe('a drive', () => {
  it('has a prefix that is no beginning of another one', () => {
    expect(['user-1', 'user-12', 'org-lab', 'org-lab-2'].map(drivePrefix)).toEqual(['users/1/', 'users/12/', 'orgs/lab/', 'orgs/lab-2/']);
    expect([ownerOf('user-12'), ownerOf('org-user-1')]).toEqual([{ userId: 12 }, { slug: 'user-1' }]);
  });
});
