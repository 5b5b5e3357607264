import { describe, expect, it } from '@jest/globals';
import { endOf, signalOf, UptimeClock } from './run-end.ts';

describe('the end of a run', () => {
  it('is told by the container\'s clock, whenever the host looks', () => {
    const clock = new UptimeClock();
    const boot = Date.now() - 1_000_000;
    clock.sync(900, boot + 900_000 + 40_000); // a stamp that came 40 s late
    clock.sync(950, boot + 950_000);
    const end = endOf(['exit', '3', '903.25', '0', '0', '1000.00'], 900.5, clock);
    expect(end).toEqual({
      outcome: 'exited', exitCode: 3, signal: null, elapsedSeconds: 2.75, outOfMemory: false, outputLost: false,
      startedAt: new Date(boot + 900_500), endedAt: new Date(boot + 903_250),
    });
  });

  it('names signals as shells encode them', () => {
    expect([0, 1, 128, 129, 130, 137, 143, 255].map(signalOf)).toEqual([null, null, null, 'SIGHUP', 'SIGINT', 'SIGKILL', 'SIGTERM', null]);
  });

  it('is out of memory only when the kernel killed for it and the command died of it', () => {
    const outOfMemory = (code: string, kills: string) => endOf(['exit', code, '2', kills, '0', '3'], 1, new UptimeClock());
    expect(outOfMemory('137', '1')).toMatchObject({ outOfMemory: true });
    expect(outOfMemory('137', '0')).toMatchObject({ outOfMemory: false });
    expect(outOfMemory('1', '1')).toMatchObject({ outOfMemory: false });
  });

  it('is asked for again when the words make no sense', () => {
    expect(endOf(['exit', 'NaN'], 0, new UptimeClock()).outcome).toBe('cut');
    expect(endOf(['what'], 0, new UptimeClock()).outcome).toBe('cut');
  });
});
