import { describe, expect, it } from '@jest/globals';
import { Properties } from './properties.projection.ts';

const drive = 'user-1';
const keptOn = (...paths: string[]): Properties => {
  const properties = new Properties();
  for (const path of paths) properties.changed({ drive, path, set: [{ name: '{x}a', value: path }], removed: [], at: '' });
  return properties;
};
const paths = (properties: Properties, path = '', depth: 0 | 1 = 1) => properties.page(drive, { path, depth, after: null }).found.map((each) => each.path);

describe('dead properties', () => {
  it('are set, replaced and removed', () => {
    const properties = keptOn('a');
    properties.changed({ drive, path: 'a', set: [{ name: '{x}a', value: '2' }, { name: '{x}b', value: '3' }], removed: [], at: '' });
    expect([...properties.of(drive, 'a')]).toEqual([['{x}a', '2'], ['{x}b', '3']]);
    properties.changed({ drive, path: 'a', set: [], removed: ['{x}a', '{x}b', '{x}c'], at: '' });
    expect(properties.size(drive)).toEqual({ paths: 0, chars: 0 });
  });

  it('are found on a path, and on what lies directly in it', () => {
    const properties = keptOn('f', 'f/b', 'f/a', 'f/a/deep', 'fb');
    expect(paths(properties, 'f', 0)).toEqual(['f']);
    expect(paths(properties, 'f')).toEqual(['f', 'f/a', 'f/b']);
    expect(paths(properties)).toEqual(['f', 'fb']);
  });

  it('go with what is deleted', () => {
    const properties = keptOn('f', 'f/a', 'fb');
    properties.deleted(drive, 'f', false);
    expect([paths(properties), paths(properties, 'f')]).toEqual([['fb'], ['f/a']]);
    properties.deleted(drive, 'f', true);
    expect([paths(properties), paths(properties, 'f')]).toEqual([['fb'], []]);
    properties.deleted(drive, '', true);
    expect(properties.size(drive)).toEqual({ paths: 0, chars: 0 });
  });

  it('move and are copied, over what was there', () => {
    const properties = keptOn('f', 'f/a', 'g', 'g/old');
    properties.transferred(drive, { path: 'f', to: 'g', kind: 'copy', deep: true });
    expect([paths(properties), paths(properties, 'g')]).toEqual([['f', 'g'], ['g', 'g/a']]);
    expect(properties.of(drive, 'g').get('{x}a')).toBe('f');
    properties.transferred(drive, { path: 'f', to: 'h', kind: 'move', deep: true });
    expect([paths(properties), paths(properties, 'h')]).toEqual([['g', 'h'], ['h', 'h/a']]);
    properties.transferred(drive, { path: 'g', to: 'i', kind: 'copy', deep: false });
    expect(paths(properties, 'i')).toEqual(['i']);
  });

  it('are read page by page', () => {
    const properties = new Properties();
    for (let n = 0; n < 12; n++) properties.changed({ drive, path: `f/${String(n).padStart(2, '0')}`, set: [{ name: '{x}a', value: 'v'.repeat(60_000) }], removed: [], at: '' });
    const found: string[] = [];
    let pages = 0;
    for (let more = true, after: string | null = null; more; pages++) {
      const page = properties.page(drive, { path: 'f', depth: 1, after });
      found.push(...page.found.map((each) => each.path));
      ({ more } = page);
      after = found.at(-1)!;
    }
    expect({ pages, found: found.length, distinct: new Set(found).size }).toEqual({ pages: 3, found: 12, distinct: 12 });
  });
});
