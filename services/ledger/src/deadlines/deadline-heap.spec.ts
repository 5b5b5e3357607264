import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { DeadlineHeap } from './deadline-heap.ts';

const steps = fc.array(fc.record({ key: fc.nat({ max: 20 }), at: fc.oneof(fc.nat({ max: 50 }), fc.constant(Infinity)), isGone: fc.boolean() }), { maxLength: 200 });

describe('a heap of deadlines', () => {
  it('has the earliest first and one place for each key, whatever is set, moved and taken away', () => {
    fc.assert(fc.property(steps, (made) => {
      const heap = new DeadlineHeap<number>();
      const known = new Map<number, number>();
      for (const { key, at, isGone } of made) {
        if (isGone) heap.delete(key);
        else heap.set(key, at);
        if (isGone || at === Infinity) known.delete(key);
        else known.set(key, at);
        expect(heap.size).toBe(known.size);
        const first = heap.first();
        expect(first?.at ?? Infinity).toBe(Math.min(Infinity, ...known.values()));
        if (first !== null) expect(known.get(first.key)).toBe(first.at);
      }
    }));
  });
});
