/**
 * Business time: the wall clock, or N times faster from an anchor that is kept in the data folder, so that it goes on over
 * restarts. It never goes back, whatever the wall clock does.
 */
import { readFileIfThere, writePrivateFile } from './private-file.ts';
import type { Clock } from './service.ts';

interface Anchor {
  speed: number;
  wall_ms: number;
  business_ms: number;
}

/** Where wall time comes from. `monotonicMs` never jumps. */
export interface TimeSource {
  wallMs(): number;
  monotonicMs(): number;
}

const systemTime: TimeSource = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };

/**
 * Opens the clock whose anchor lies in `file`. Another speed than last time goes on from the business time reached.
 * `notBefore`: the latest business time that is on record, where the caller knows it.
 */
export function openClock(file: string, speed: number, notBefore = 0, time: TimeSource = systemTime): Clock {
  const wallMs = time.wallMs();
  const kept = readAnchor(file);
  const reached = Math.max(kept === null ? wallMs : businessAt(kept, wallMs), kept?.business_ms ?? 0, notBefore);
  const goesOn = kept !== null && kept.speed === speed && reached === businessAt(kept, wallMs);
  const anchor: Anchor = goesOn ? kept : { speed, wall_ms: wallMs, business_ms: reached };
  if (!goesOn) writePrivateFile(file, JSON.stringify(anchor));
  return runningClock(anchor, time);
}

/** Within a process the monotonic clock counts: a wall clock that is set back or forth moves nothing. */
function runningClock(anchor: Anchor, time: TimeSource): Clock {
  const startMonotonic = time.monotonicMs();
  const startWall = time.wallMs();
  const startBusiness = Math.max(businessAt(anchor, startWall), anchor.business_ms);
  const nowMs = () => startBusiness + (time.monotonicMs() - startMonotonic) * anchor.speed;
  return {
    now: () => new Date(nowMs()),
    wallMsUntil: (at) => Math.max(0, (at.getTime() - nowMs()) / anchor.speed),
    fromWall: (wall) => new Date(Math.min(nowMs(), startBusiness + (wall.getTime() - startWall) * anchor.speed)),
  };
}

function businessAt(anchor: Anchor, wallMs: number): number {
  return anchor.business_ms + (wallMs - anchor.wall_ms) * anchor.speed;
}

function readAnchor(file: string): Anchor | null {
  const text = readFileIfThere(file);
  if (text === null) return null;
  const anchor = JSON.parse(text) as Anchor;
  if ([anchor.speed, anchor.wall_ms, anchor.business_ms].every(Number.isFinite)) return anchor;
  throw new Error(`${file} does not hold the anchor of a clock`);
}
