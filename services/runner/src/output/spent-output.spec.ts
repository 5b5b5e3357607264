import { describe, expect, it } from '@jest/globals';
import { SpentOutput } from './spent-output.ts';

const how = { exit_code: 0, signal: null, reason: null, message: null, at: '2026-01-01T00:00:00.000Z', elapsed_seconds: 0, output_truncated: false, user_id: 1 };
const ended = (run_id: string, stdout_bytes = 0, gpu_id = 'g1') => ({ ...how, run_id, gpu_id, stdout_bytes, stderr_bytes: 0 });
const names = (count: number) => Array.from({ length: count }, (_, index) => `r${index}`);

describe('spent output', () => {
  it('waits for a megabyte, or sixteen runs, of one rental', () => {
    const spent = new SpentOutput();
    for (const name of names(15)) spent.ended(ended(name, 1_000));
    spent.ended(ended('elsewhere', 5_000_000, 'g2'));
    expect([spent.of('g1'), spent.of('g2'), spent.of('g3')]).toEqual([[], ['elsewhere'], []]);
    spent.ended(ended('r15'));
    expect(spent.of('g1')).toEqual(names(16));
  });

  it('is said until it is deleted, sixty-four runs at once', () => {
    const spent = new SpentOutput();
    for (const name of names(100)) spent.ended(ended(name));
    expect(spent.of('g1')).toEqual(names(64));
    expect(spent.of('g1')).toEqual(names(64));
    spent.deleted('g1', names(64));
    expect(spent.of('g1')).toEqual(names(100).slice(64));
  });

  it('is forgotten with its rental', () => {
    const spent = new SpentOutput();
    spent.ended(ended('r1', 2_000_000));
    spent.rentalEnded('g1');
    spent.deleted('g1', ['r1']);
    expect(spent.of('g1')).toEqual([]);
  });
});
