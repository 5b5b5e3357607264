import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { Glob } from './glob.ts';

describe('a glob', () => {
  it.each([
    ['*.csv', ['a.csv', 'runs/42/a.csv', '.csv'], ['a.csv.gz', 'acsv']],
    ['exp?/*', ['exp4/a', 'exp4/b/c'], ['exp42/a', 'exp/a']],
    ['[a-c]x', ['ax', 'cx'], ['dx', 'x', '-x']],
    ['[!a-c]x', ['dx', '-x', 'éx'], ['ax', 'x']],
    ['[]x]', [']', 'x'], ['', '[]x]']],
    ['[!]x]', ['a'], [']', 'x']],
    ['[a-]', ['a', '-'], ['b']],
    ['[x', ['[x'], ['x']],
    ['a.b', ['a.b'], ['axb', 'a.bc']],
    ['\u{1f600}?', ['\u{1f600}\u{1f601}'], ['\u{1f600}']],
    ['**', ['', 'a/b'], []],
    ['e\u0301*', ['\u00e9t\u00e9'], []],
  ])('%s matches as fnmatch does', (pattern, fitting, others) => {
    const glob = new Glob(pattern);
    expect(fitting.filter((path) => !glob.matches(path))).toEqual([]);
    expect(others.filter((path) => glob.matches(path))).toEqual([]);
  });

  it('agrees with a regular expression made of the same pattern', () => {
    const char = fc.constantFrom('a', 'b', '/', '.', '*', '?');
    fc.assert(fc.property(fc.array(char, { maxLength: 8 }), fc.string({ unit: fc.constantFrom('a', 'b', '/', '.'), maxLength: 10 }), (parts, path) => {
      const source = parts.map((part) => (part === '*' ? '.*' : part === '?' ? '.' : RegExp.escape(part))).join('');
      expect(new Glob(parts.join('')).matches(path)).toBe(new RegExp(`^${source}$`, 's').test(path));
    }), { numRuns: 2_000 });
  });

  it('made to explode takes pattern times path steps at most', () => {
    const glob = new Glob(`${'*a'.repeat(127)}b`);
    expect(glob.matches('a'.repeat(1_000))).toBe(false);
    expect(glob.steps).toBeLessThan(255 * 1_000);
  });
});
