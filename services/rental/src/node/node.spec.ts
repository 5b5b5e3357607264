import { describe, expect, it } from '@jest/globals';
import { given } from '@kgpu/event-store/testing';
import { nodeDecider } from './node.ts';
import { priceOf } from './nodes.ts';

const [first, second] = ['gpu-1-260517010000-00000001', 'gpu-1-260517010000-00000002'];
const now = new Date(0);
const fact = (gpu_id: string) => ({ node: 'here', gpu_id, at: now.toISOString() });
const taken = (gpuId: string) => ({ type: 'SlotTaken', data: fact(gpuId) }) as const;
const freed = (gpuId: string) => ({ type: 'SlotFreed', data: fact(gpuId) }) as const;
const take = (gpuId: string, total = 1) => ({ type: 'TakeSlot', node: 'here', gpuId, total }) as const;

describe('a node', () => {
  it('gives its slots until none is left', () => {
    given(nodeDecider, []).when(take(first), now).then([taken(first)]);
    given(nodeDecider, [taken(first)]).when(take(second), now).thenProblem('no_capacity');
    given(nodeDecider, [taken(first)]).when(take(second, 2), now).then([taken(second)]);
  });

  it('gives one rental one slot, however often it asks', () => {
    given(nodeDecider, [taken(first)]).when(take(first), now).then([]);
  });

  it('gives a freed slot to the next', () => {
    given(nodeDecider, [taken(first), freed(first)]).when(take(second), now).then([taken(second)]);
    given(nodeDecider, [taken(first)]).when({ type: 'FreeSlot', node: 'here', gpuId: first }, now).then([freed(first)]);
    given(nodeDecider, []).when({ type: 'FreeSlot', node: 'here', gpuId: first }, now).then([]);
  });
});

describe('the price of a model', () => {
  const prices = { default: 500, byModel: { GB10: 500, H100: 3_000 } };

  it('is its own, by the whole name or a word of it', () => {
    expect(priceOf(prices, 'NVIDIA H100')).toBe(3_000);
    expect(priceOf(prices, 'H100')).toBe(3_000);
  });

  it('is the default for any other', () => {
    expect(priceOf(prices, 'NVIDIA H1000')).toBe(500);
  });
});
