/** What the kernel knows of processes, read from /proc: who lives, since when, with which arguments and variables. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** A process for certain: numbers are used again, a number with its start time and boot is not. */
export interface ProcessIdentity {
  pid: number;
  /** Clock ticks since boot. */
  startTime: string;
  bootId: string;
}

const bootId = read('/proc/sys/kernel/random/boot_id').trim();

/** The identity of a live process; null when there is none with this number, or only its zombie. */
export function identify(pid: number): ProcessIdentity | null {
  const stat = read(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, startTime] = [fields[0], fields[19]];
  if (startTime === undefined || state === 'Z' || state === 'X') return null;
  return { pid, startTime, bootId };
}

export function isAlive(identity: ProcessIdentity): boolean {
  const now = identify(identity.pid);
  return now !== null && now.startTime === identity.startTime && now.bootId === identity.bootId;
}

/** Live processes whose arguments fit. */
export function findByArguments(fits: (argv: string[]) => boolean): ProcessIdentity[] {
  return allPids().filter((pid) => fits(read(`/proc/${pid}/cmdline`).split('\0').slice(0, -1))).map(identify).filter((found) => found !== null);
}

/** Live processes that were started with this variable, and the descendants of these. */
export function findByVariable(name: string, value: string): ProcessIdentity[] {
  const found = new Set(allPids().filter((pid) => `\0${read(`/proc/${pid}/environ`)}`.includes(`\0${name}=${value}\0`)));
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const pid of allPids()) if (found.has(parentOf(pid))) found.add(pid);
  }
  return [...found].map(identify).filter((identity) => identity !== null);
}

/** SIGKILL to all that `find` finds, again and again until it finds none. Throws an Error when some still live after the deadline. */
export async function killAll(find: () => ProcessIdentity[], deadlineMs: number): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  for (let left = find(); left.length > 0; left = find()) {
    if (performance.now() > deadline) throw new Error(`${left.length} processes do not end: ${left.map(({ pid }) => pid).slice(0, 10).join(', ')}`);
    for (const { pid } of left) kill(pid);
    await delay(5);
  }
}

/** Asks it to end. A process that is gone does nothing. */
export function terminate({ pid }: ProcessIdentity): void {
  kill(pid, 'SIGTERM');
}

function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function parentOf(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
}

function allPids(): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number);
}

/** Empty for what is gone or not ours to see. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
