import { randomBytes } from 'node:crypto';
import { startOrFollow } from '../launcher/start-or-follow.ts';
import type { RunSpec } from '../launcher/start-or-follow.ts';
import type { RunEnd } from '../launcher/run-end.ts';
import type { RunHandlers, RunStream } from '../launcher/run-channel.ts';
import type { ComputeRig } from './compute-fixture.ts';

/** A run and what was recorded of it, as a runner would: bytes by offset, and offsets kept from one session to the next. */
export class RunRecorder {
  readonly spec: RunSpec;
  readonly offsets = { stdout: 0, stderr: 0 };
  readonly truncatedBefore = { stdout: 0, stderr: 0 };
  readonly starts: { pid: number; startedAt: Date }[] = [];
  readonly #chunks: Record<RunStream, Buffer[]> = { stdout: [], stderr: [] };
  sessions = 0;

  constructor(readonly rig: ComputeRig, readonly gpuId: string, command: readonly string[], change: Partial<RunSpec> = {}) {
    this.spec = { runId: `run-1-260101000000-${randomBytes(4).toString('hex')}`, command, env: {}, cwd: null, ...change };
  }

  /** One session. */
  once(mode: 'start' | 'attach', change: Partial<RunHandlers> = {}): Promise<RunEnd> {
    this.sessions += 1;
    return startOrFollow(this.rig.compute, this.gpuId, mode, this.spec, { ...this.offsets }, {
      onStarted: (started) => void this.starts.push(started),
      onOutput: (stream, offset, bytes) => this.take(stream, offset, bytes),
      onTruncated: (stream, before) => {
        this.truncatedBefore[stream] = before;
        this.offsets[stream] = before;
      },
      ...change,
    });
  }

  /** As many sessions as it takes. */
  async toTheEnd(mode: 'start' | 'attach' = 'start'): Promise<Exclude<RunEnd, { outcome: 'cut' }>> {
    for (let next = mode; ; next = 'attach') {
      const end = await this.once(next);
      if (end.outcome !== 'cut') return end;
      if (this.sessions > 500) throw new Error(`cut ${this.sessions} times: ${end.why}`);
    }
  }

  take(stream: RunStream, offset: number, bytes: Buffer): void {
    if (offset !== this.offsets[stream]) throw new Error(`${stream} has a gap: ${offset} came after ${this.offsets[stream]}`);
    this.offsets[stream] += bytes.length;
    this.#chunks[stream].push(Buffer.from(bytes));
  }

  bytes(stream: RunStream): Buffer {
    return Buffer.concat(this.#chunks[stream]);
  }

  get stdout(): string {
    return this.bytes('stdout').toString();
  }

  get stderr(): string {
    return this.bytes('stderr').toString();
  }
}

/** A command that is a shell script. */
export function sh(script: string, ...args: string[]): string[] {
  return ['/bin/sh', '-c', script, 'sh', ...args];
}
