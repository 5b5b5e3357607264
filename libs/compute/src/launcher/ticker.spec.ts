import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { until } from '../testing/until.ts';
import { paceMs, Ticker } from './ticker.ts';

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
const gapsOf = (times: number[]) => times.slice(1).map((time, n) => time - times[n]!);

describe('the pace of looks', () => {
  it('follows the silence: what was quiet for 4 s is heard after a tenth of a second, and hours cost two looks a second', () => {
    expect([0, 100, 4_000, 3_600_000].map(paceMs)).toEqual([4, 4, 100, 500]);
  });
});

describe('the ticker', () => {
  it('slows down while nothing comes, and is quick again after output', async () => {
    const stdin = new PassThrough();
    let times: number[] = [];
    stdin.on('data', () => times.push(performance.now()));
    const ticker = new Ticker(stdin);
    await until('it has slowed down', () => median(gapsOf(times).slice(-5)) > 30);
    const slow = median(gapsOf(times).slice(-5));
    times = [];
    ticker.heard();
    await until('it ticks again', () => times.length >= 6);
    expect(median(gapsOf(times).slice(0, 5))).toBeLessThan(slow);
    ticker.stop();
  });

  it('sends no second tick to a follower that has not taken the first', async () => {
    const stdin = new Writable({ write: () => {} }); // never takes it
    const ticker = new Ticker(stdin);
    await new Promise((resolve) => setTimeout(resolve, 100)); // what would pile up in this time
    ticker.stop();
    expect(stdin.writableLength).toBe(1);
  });
});
