import type { Clock } from '@kgpu/runtime';
import type { Alarm } from '../../deadlines/alarm.ts';

/** A clock that stands still between two moves. */
export class VirtualClock implements Clock {
  constructor(public ms: number) {}

  now(): Date {
    return new Date(this.ms);
  }

  wallMsUntil(at: Date): number {
    return Math.max(0, at.getTime() - this.ms);
  }

  fromWall(): Date {
    return this.now();
  }
}

export class VirtualAlarm implements Alarm {
  #set: { at: number; ring: () => void } | null = null;

  get at(): number {
    return this.#set?.at ?? Infinity;
  }

  set(at: number, ring: () => void): void {
    this.#set = { at, ring };
  }

  clear(): void {
    this.#set = null;
  }

  ring(): void {
    const due = this.#set;
    this.#set = null;
    due?.ring();
  }
}
