import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { partBytes, partBytesOfStream, partCount, sizeOfPart } from './part-size.ts';

const MIB = 1024 ** 2;
const TIB = 1024 ** 4;

describe('the parts of an upload', () => {
  it.each([[0, 16 * MIB], [20 * 1024 ** 3, 21 * MIB], [100 * 1024 ** 3, 64 * MIB], [TIB, 105 * MIB]])('of %d bytes have %d bytes each', (size, bytes) => {
    expect(partBytes(size)).toBe(bytes);
  });

  it('are 10,000 at most, at least 5 MiB and at most 5 GiB large, and make up the whole', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 5 * TIB }), (size) => {
      const bytes = partBytes(size);
      const count = partCount(size, bytes);
      expect(count).toBeLessThanOrEqual(10_000);
      expect(bytes).toBeGreaterThanOrEqual(5 * MIB);
      expect(bytes).toBeLessThanOrEqual(5 * 1024 * MIB);
      const last = sizeOfPart(count, size, bytes);
      expect((count - 1) * bytes + last).toBe(size);
      expect(last > 0 || size === 0).toBe(true);
    }));
  });

  it('of a stream are small enough to wait in memory, and take a whole drive all the same', () => {
    expect(partBytesOfStream(100_000_000_000)).toBe(10 * MIB);
    expect(partBytesOfStream(1_000)).toBe(8 * MIB);
  });
});
