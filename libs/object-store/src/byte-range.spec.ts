import { describe, expect, it } from '@jest/globals';
import { formatRange, parseRange } from './byte-range.ts';

describe('a Range header', () => {
  it.each([
    ['bytes=0-0', { first: 0, last: 0 }], ['bytes=5-', { first: 5 }], ['bytes=-5', { suffix: 5 }],
  ])('is understood: %s', (header, range) => {
    expect(parseRange(header)).toEqual(range);
    expect(formatRange(range)).toBe(header);
  });

  it.each([undefined, '', 'bytes=-', 'bytes=5-4', 'bytes=0-1,2-3', 'bytes=a-b', 'lines=0-1', 'bytes=1.5-', `bytes=${'9'.repeat(16)}-`])('counts as none: %s', (header) => {
    expect(parseRange(header)).toBeNull();
  });
});
