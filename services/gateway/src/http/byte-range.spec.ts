import { describe, expect, it } from '@jest/globals';
import { Problem } from '@kgpu/contracts';
import { requestedRange, sectionOf } from './byte-range.ts';

describe('a range of bytes', () => {
  it.each([
    ['bytes=0-4', { from: 0, to: 5 }], ['bytes=4-', { from: 4, to: 10 }], ['bytes=-3', { from: 7, to: 10 }], ['bytes=-30', { from: 0, to: 10 }], ['bytes=9-100', { from: 9, to: 10 }],
  ])('%s is of ten bytes %o', (header, section) => {
    expect(sectionOf(requestedRange(header)!, 10)).toEqual(section);
  });

  it.each(['bytes=10-', 'bytes=-0', 'bytes=999999999999999-'])('%s is nothing of ten bytes', (header) => {
    expect(() => sectionOf(requestedRange(header)!, 10)).toThrow(Problem);
  });

  it.each([undefined, 'bytes=5-4', 'bytes=0-1,3-4', 'lines=1-2', 'bytes=-', 'bytes=a-b', 'bytes=0-9999999999999999'])('%s asks for the whole', (header) => {
    expect(requestedRange(header)).toBeNull();
  });
});
