import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openClock } from './business-clock.ts';

const noon = Date.parse('2026-03-01T12:00:00Z');

describe('the business clock', () => {
  let folder: string;
  let file: string;
  const time = { wall: noon, monotonic: 0, wallMs: () => time.wall, monotonicMs: () => time.monotonic };
  const pass = (ms: number) => {
    time.wall += ms;
    time.monotonic += ms;
  };
  const open = (speed: number, notBefore?: number) => openClock(file, speed, notBefore, time);
  const sinceNoon = (at: Date) => at.getTime() - noon;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kgpu-clock-'));
    file = join(folder, 'clock.json');
    Object.assign(time, { wall: noon, monotonic: 0 });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is the wall clock at speed 1', () => {
    const clock = open(1);
    pass(5_000);
    expect(sinceNoon(clock.now())).toBe(5_000);
  });

  it('runs as many times faster as it is told', () => {
    const clock = open(60);
    pass(1_000);
    expect(sinceNoon(clock.now())).toBe(60_000);
    expect(clock.wallMsUntil(new Date(noon + 120_000))).toBe(1_000);
    expect(clock.wallMsUntil(new Date(noon))).toBe(0);
    expect(sinceNoon(clock.fromWall(new Date(noon + 500)))).toBe(30_000);
  });

  it('goes on while no process runs', () => {
    open(60);
    pass(10_000);
    expect(sinceNoon(open(60).now())).toBe(600_000);
  });

  it('goes on from the time it had reached when the speed changes', () => {
    open(60);
    pass(10_000);
    const slow = open(1);
    expect(sinceNoon(slow.now())).toBe(600_000);
    pass(1_000);
    expect(sinceNoon(slow.now())).toBe(601_000);
    expect(sinceNoon(open(1).now())).toBe(601_000);
  });

  it('never goes back when the wall clock is set back', () => {
    const clock = open(1);
    pass(5_000);
    time.wall -= 3_600_000;
    time.monotonic += 1;
    expect(sinceNoon(clock.now())).toBe(5_001);
  });

  it('never goes back behind its anchor when the wall clock is set back between two starts', () => {
    open(1);
    time.wall -= 3_600_000;
    const clock = open(1);
    expect(sinceNoon(clock.now())).toBe(0);
    pass(1_000);
    expect(sinceNoon(clock.now())).toBe(1_000);
  });

  it('never goes back behind the last fact on record', () => {
    open(1);
    const clock = open(1, noon + 7_000);
    expect(sinceNoon(clock.now())).toBe(7_000);
    pass(1_000);
    expect(sinceNoon(open(1).now())).toBe(8_000);
  });

  it('keeps its anchor in a file for its owner only', () => {
    open(1);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('does not guess when its file holds something else', () => {
    writeFileSync(file, '{"speed":1}');
    expect(() => open(1)).toThrow(/clock\.json does not hold the anchor of a clock/);
  });
});
