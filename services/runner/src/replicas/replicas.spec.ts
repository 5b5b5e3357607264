import { beforeEach, describe, expect, it } from '@jest/globals';
import { Replicas } from './replicas.ts';

const TTL = 6_000;
const run = (n: number, runner: string | null = null) => ({ run_id: `run-1-260517010000-${String(n).padStart(8, '0')}`, runner });
let replicas: Replicas;
beforeEach(() => {
  replicas = new Replicas('a');
  for (const other of ['b', 'c']) replicas.renewed(other, TTL, 0);
});

describe('the replicas of the runner', () => {
  it('each look after the runs whose requests they took', () => {
    for (const runner of ['a', 'b', 'c']) expect(replicas.ownerOf(run(1, runner), 1)).toBe(runner);
    expect(replicas.isOwn(run(1, 'a'), 1)).toBe(true);
    expect(replicas.isOwn(run(1, 'b'), 1)).toBe(false);
  });

  it('live until their lease is over, or they release it, and again when they renew it', () => {
    expect(replicas.alive(TTL - 1)).toEqual(['a', 'b', 'c']);
    expect(replicas.alive(TTL)).toEqual(['a']);
    replicas.renewed('b', TTL, 5_000);
    expect(replicas.alive(TTL)).toEqual(['a', 'b']);
    replicas.released('b');
    expect(replicas.alive(TTL)).toEqual(['a']);
  });

  it('share the runs of one that is gone, and agree on who takes which', () => {
    const other = new Replicas('b');
    for (const alive of ['a', 'c']) other.renewed(alive, TTL, 500);
    const taken = { a: 0, b: 0, c: 0 };
    for (let n = 0; n < 300; n++) {
      const owner = replicas.ownerOf(run(n, 'gone'), 1_000) as keyof typeof taken;
      expect(other.ownerOf(run(n, 'gone'), 1_000)).toBe(owner);
      taken[owner]++;
    }
    for (const many of Object.values(taken)) expect(many).toBeGreaterThan(60);
  });

  it('leave the runs of the others where they are when one of them goes', () => {
    const before = Array.from({ length: 100 }, (_, n) => replicas.ownerOf(run(n, 'gone'), 1));
    replicas.released('c');
    before.forEach((owner, n) => {
      if (owner !== 'c') expect(replicas.ownerOf(run(n, 'gone'), 1)).toBe(owner);
    });
  });

  it('that nobody else answers for look after all runs', () => {
    expect(replicas.isOwn(run(1, 'b'), TTL + 1)).toBe(true);
    expect(new Replicas('alone').isOwn(run(1), 0)).toBe(true);
  });
});
