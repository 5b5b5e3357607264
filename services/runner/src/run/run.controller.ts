/** What the runner answers on the bus. */
import { EndRunsOfGpu, GetRun, ListRuns, Problem, StartRun, StopRun, type Asked, type MessageMeta, type ReplyOf, type Run } from '@kgpu/contracts';
import { Answers, waitAtMost, type Projection } from '@kgpu/runtime';
import { Controller, Inject } from '@nestjs/common';
import { outputTail } from '../output/output-log.ts';
import type { Replicas } from '../replicas/replicas.ts';
import type { KnownRun } from './run.ts';
import type { RunPolicy } from './run.policy.ts';
import { viewRun } from './run-view.ts';
import type { SupervisorParts } from './supervisor.ts';

/** What a run's view shows of each channel; a list shows less, so that 500 runs fit into one reply. */
const TAIL_BYTES = 65_536;
const LIST_TAIL_BYTES = 4_096;
/** A page ends early where its runs would not fit into one reply of the bus: commands may be large. */
const PAGE_BYTES = 4 * 1_048_576;
/** How long the runs of a returned GPU may take to end beyond their grace. */
const DRAIN_MARGIN_MS = 8_000;

export interface RunParts extends SupervisorParts {
  projection: Projection;
  policy: RunPolicy;
  replicas: Replicas;
}

export const RUN_PARTS = Symbol('run parts');

@Controller()
export class RunController {
  constructor(@Inject(RUN_PARTS) private readonly parts: RunParts) {}

  @Answers(StartRun)
  async start({ command_id, wait_seconds, ...order }: Asked<typeof StartRun>, meta: MessageMeta): Promise<ReplyOf<typeof StartRun>> {
    await this.parts.projection.reached(meta.min_position);
    if (this.parts.runs.get(order.run_id) === undefined) this.#checkGpu(order.gpu_id, order.user_id);
    const taken = { ...order, runner: this.parts.replicas.own };
    const position = await this.parts.record.record(order.run_id, { type: 'Request', order: taken }, { commitId: command_id, requestId: meta.request_id });
    await this.#waitForEnd(order.run_id, wait_seconds);
    return { run: await this.#view(this.#owned(order.run_id, order.user_id), TAIL_BYTES), position };
  }

  @Answers(StopRun)
  async stop({ command_id, run_id, user_id }: Asked<typeof StopRun>, meta: MessageMeta): Promise<ReplyOf<typeof StopRun>> {
    await this.parts.projection.reached(meta.min_position);
    this.#owned(run_id, user_id);
    const position = await this.parts.record.record(run_id, { type: 'Stop', reason: null }, { commitId: command_id, requestId: meta.request_id });
    return { run: await this.#view(this.#owned(run_id, user_id), TAIL_BYTES), position };
  }

  @Answers(GetRun)
  async get({ run_id, user_id, wait_seconds }: Asked<typeof GetRun>, meta: MessageMeta): Promise<ReplyOf<typeof GetRun>> {
    await this.parts.projection.reached(meta.min_position);
    this.#owned(run_id, user_id);
    await this.#waitForEnd(run_id, wait_seconds);
    return { run: await this.#view(this.#owned(run_id, user_id), TAIL_BYTES) };
  }

  @Answers(ListRuns)
  async list({ user_id, gpu_id, phase, limit, cursor, with_output }: Asked<typeof ListRuns>, meta: MessageMeta): Promise<ReplyOf<typeof ListRuns>> {
    await this.parts.projection.reached(meta.min_position);
    const { runs, hasMore } = this.parts.runs.list({ userId: user_id, gpuId: gpu_id, phase, limit, before: placeOf(cursor) });
    const page: Run[] = [];
    let bytes = 0;
    for (const { run } of runs) {
      const view = await this.#view(run, with_output ? LIST_TAIL_BYTES : 0);
      bytes += Buffer.byteLength(JSON.stringify(view));
      if (page.length > 0 && bytes > PAGE_BYTES) break;
      page.push(view);
    }
    const isWhole = page.length === runs.length && !hasMore;
    return { runs: page, next_cursor: isWhole ? null : String(runs[page.length - 1]!.seq) };
  }

  @Answers(EndRunsOfGpu)
  async endRunsOfGpu({ gpu_id }: Asked<typeof EndRunsOfGpu>): Promise<ReplyOf<typeof EndRunsOfGpu>> {
    // Another replica may have taken a run just before the return.
    await this.parts.record.catchUp();
    const runs = this.parts.runs.activeOf(gpu_id);
    const waitSeconds = (this.parts.context.config.KGPU_STOP_GRACE + DRAIN_MARGIN_MS) / 1_000;
    await Promise.all(runs.map(async (run) => {
      await this.parts.policy.end(run, this.parts.runs.whyOver(gpu_id) ?? 'gpu_returned');
      await this.#untilEnded(run.order.run_id, AbortSignal.timeout(waitSeconds * 1_000));
    }));
    return { ended: runs.filter((run) => this.parts.runs.get(run.order.run_id)?.status === 'ended').length };
  }

  #checkGpu(gpuId: string, userId: number): void {
    const rental = this.parts.runs.rental(gpuId);
    if (rental === undefined || rental.userId !== userId) throw new Problem('gpu_not_found');
    if (rental.status !== 'ready') throw new Problem('gpu_not_ready', rental.status === 'pending' ? 'The GPU is still starting.' : 'The GPU has been returned.');
  }

  #owned(runId: string, userId: number): KnownRun {
    const run = this.parts.runs.get(runId);
    if (run === undefined || run.order.user_id !== userId) throw new Problem('run_not_found');
    return run;
  }

  /** For people: also over when this process ends, with what is known by then. */
  async #waitForEnd(runId: string, seconds: number): Promise<void> {
    await waitAtMost(seconds, this.parts.context.stopping, (signal) => this.#untilEnded(runId, signal));
  }

  async #untilEnded(runId: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.parts.runs.get(runId)?.status !== 'ended') await this.parts.runs.changed(runId, signal);
  }

  async #view(run: KnownRun, tailBytes: number): Promise<Run> {
    const { expiring, clock } = this.parts.context;
    const { run_id } = run.order;
    const [stdout, stderr] = await Promise.all([outputTail(expiring, run_id, 'stdout', tailBytes), outputTail(expiring, run_id, 'stderr', tailBytes)]);
    const isForgotten = run.status === 'ended' && (stdout.end < run.end.stdout_bytes || stderr.end < run.end.stderr_bytes);
    return viewRun(run, {
      stdout: stdout.text, stderr: stderr.text, stdout_bytes: stdout.end, stderr_bytes: stderr.end,
      isIncomplete: isForgotten || stdout.isIncomplete || stderr.isIncomplete,
    }, clock.now());
  }
}

function placeOf(cursor: string | null): number | null {
  if (cursor === null) return null;
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw new Problem('invalid_request', undefined, { errors: [{ pointer: '/query/cursor', message: 'must be the next_cursor of a page' }] });
}
