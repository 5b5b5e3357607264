import { describe, expect, it } from '@jest/globals';
import type { RunEvent, RunReason } from '@kgpu/contracts';
import { given } from '@kgpu/event-store/testing';
import { endOfRun, type Circumstances, type Ended } from './end-of-run.ts';
import { runDecider } from './run.ts';

const ids = { run_id: 'run-1-260517010000-0a0b0c0d', gpu_id: 'gpu-1-260517010000-0a0b0c0d', user_id: 1 };
const order = { ...ids, name: null, command: ['true'], env: {}, cwd: null, timeout_seconds: null, runner: 'lab1' };
const at = (seconds: number) => new Date(Date.UTC(2026, 4, 17, 1, 0, seconds));
const iso = (seconds: number) => at(seconds).toISOString();
const how = { exit_code: 0, signal: null, reason: null, message: null, elapsed_seconds: 1, stdout_bytes: 3, stderr_bytes: 0, output_truncated: false };
const requested: RunEvent = { type: 'RunRequested', data: { ...order, at: iso(0) } };
const started: RunEvent = { type: 'RunStarted', data: { ...ids, pid: 7, at: iso(1) } };
const stopping: RunEvent = { type: 'RunStopRequested', data: { ...ids, reason: 'timeout', at: iso(5) } };
const ended: RunEvent = { type: 'RunEnded', data: { ...ids, ...how, at: iso(9) } };

describe('a run', () => {
  it('is requested and starts once', () => {
    given(runDecider, []).when({ type: 'Request', order }, at(0)).then([requested]);
    given(runDecider, [requested]).when({ type: 'Request', order }, at(3)).then([]);
    given(runDecider, [requested]).when({ type: 'Start', pid: 7, at: at(1) }, at(2)).then([started]);
    given(runDecider, [requested, started]).when({ type: 'Start', pid: 8, at: at(2) }, at(3)).then([]);
  });

  it('ends once, whether or not its start was seen', () => {
    given(runDecider, [requested, started]).when({ type: 'End', end: how, at: at(9) }, at(10)).then([ended]);
    given(runDecider, [requested]).when({ type: 'End', end: how, at: at(9) }, at(10)).then([ended]);
    given(runDecider, [requested, started, ended]).when({ type: 'End', end: { ...how, exit_code: 1 }, at: at(11) }, at(12)).then([]);
  });

  it('keeps the first reason to stop', () => {
    given(runDecider, [requested, started]).when({ type: 'Stop', reason: 'timeout' }, at(5)).then([stopping]);
    given(runDecider, [requested, started, stopping]).when({ type: 'Stop', reason: 'gpu_returned' }, at(6)).then([]);
    given(runDecider, [requested, ended]).when({ type: 'Stop', reason: null }, at(20)).then([]);
  });

  it('neither begins before it was asked for nor ends in the future, whatever a container says', () => {
    given(runDecider, [requested]).when({ type: 'Start', pid: 7, at: at(-60) }, at(2)).then([{ type: 'RunStarted', data: { ...ids, pid: 7, at: iso(0) } }]);
    given(runDecider, [requested, started]).when({ type: 'End', end: how, at: at(99) }, at(9)).then([ended]);
  });

  it('that nobody requested is not found', () => {
    given(runDecider, []).when({ type: 'Stop', reason: null }, at(0)).thenProblem('run_not_found');
  });
});

describe('the end of a run', () => {
  const exit = (exitCode: number, more: Partial<Extract<Ended, { outcome: 'exited' }>> = {}): Ended =>
    ({ outcome: 'exited', exitCode, signal: null, startedAt: at(0), endedAt: at(9), elapsedSeconds: 9, outOfMemory: false, outputLost: false, ...more });
  const gone: Ended = { outcome: 'lost', why: 'container_gone' };
  const known: Circumstances = { stop: null, endedAt: at(9), elapsedSeconds: 9, timeoutSeconds: null, isReturned: false, ranOutOfMemory: false, lastWords: '' };
  const end = (outcome: Ended, more: Partial<Circumstances> = {}) => endOfRun(outcome, { ...known, ...more });
  const stopped = (reason: RunReason | null, seconds = 5) => ({ stop: { reason, at: iso(seconds) } });

  it('gives no reason for a command that ended by itself', () => {
    expect(end(exit(3))).toEqual({ exit_code: 3, signal: null, reason: null, message: null });
  });

  it('says who wanted it, out of memory and what was lost', () => {
    expect(end(exit(143, { signal: 'SIGTERM' }), stopped(null)).reason).toBe('stopped');
    expect(end(exit(0), stopped(null)).reason).toBeNull();
    expect(end(exit(0), stopped('gpu_returned')).reason).toBe('gpu_returned');
    expect(end(exit(137, { outOfMemory: true })).reason).toBe('out_of_memory');
    expect(end(gone).reason).toBe('lost');
    expect(end(gone, { ranOutOfMemory: true }).reason).toBe('out_of_memory');
    expect(end(gone, { isReturned: true, ranOutOfMemory: true }).reason).toBe('gpu_returned');
    expect(end({ outcome: 'not_started', why: 'image_without_shell', exitCode: 126, message: 'no shell' })).toMatchObject({ exit_code: 126, reason: 'image_without_shell' });
  });

  it('blames no stop that came when it was over', () => {
    expect(end(exit(3), stopped(null, 10)).reason).toBeNull();
    expect(end(exit(0), stopped('gpu_returned', 10)).reason).toBeNull();
    expect(end(exit(0), { ...stopped('timeout', 30), timeoutSeconds: 20 }).reason).toBeNull();
    expect(end(exit(139, { signal: 'SIGSEGV' }), stopped(null, 10)).reason).toBeNull();
    expect(end(exit(137, { signal: 'SIGKILL', outOfMemory: true }), stopped('gpu_returned', 10)).reason).toBe('out_of_memory');
  });

  it('is a timeout when it took too long, though nobody was there to stop it', () => {
    expect(end(exit(0), { ...stopped('timeout', 30), timeoutSeconds: 8 }).reason).toBe('timeout');
    expect(end(exit(0), { ...stopped('timeout', 8), timeoutSeconds: 8 }).reason).toBe('timeout');
  });

  it('says what the launcher said of a command that it could not start', () => {
    expect(end(exit(127), { lastWords: 'kgpu: nothing: no such program\n' }).message).toBe('nothing: no such program');
    expect(end(exit(127), { lastWords: 'warning\nkgpu: a\nb: no such program\n' }).message).toBe('a\nb: no such program');
    expect(end(exit(127), { lastWords: 'make: *** no rule\n' }).message).toBeNull();
  });
});
