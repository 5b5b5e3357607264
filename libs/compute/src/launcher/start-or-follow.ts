import { randomBytes } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { ContainerGone, hasLocalFiles } from '../compute.ts';
import type { Compute, ExecSession } from '../compute.ts';
import { EngineError, ExecQueueFull, execWithin, queueOf } from '../exec-queue.ts';
import { ask } from './ask.ts';
import { Follower } from './follower.ts';
import type { LocalSource } from './local-output.ts';
import type { RunHandlers, RunOffsets } from './run-channel.ts';
import type { RunEnd } from './run-end.ts';
import { runScript } from './scripts.ts';

export interface RunSpec {
  runId: string;
  /** argv, taken as it is, without a shell. */
  command: readonly string[];
  /** Added to the container's own variables. */
  env: Record<string, string>;
  /** Null: where the image starts its programs. */
  cwd: string | null;
  /** How much output the container keeps of this run, both streams together; the oldest goes first. Default 1 GiB, at least 2 MiB. */
  outputCapBytes?: number;
  /** Runs of this container that have ended and whose output is on record: a start deletes what the container still keeps of it. */
  spent?: readonly string[];
}

/** Linux takes no longer argument or variable (MAX_ARG_STRLEN counts the NUL at the end). */
const longestArgument = 131_071;
const segmentsKept = 16;
const readBytes = 65_536;
/** A container that hasn't answered the first look by then is frozen, or the engine is. */
const beginDeadlineMs = 30_000;

/**
 * Starts a run and follows it to its end, in one exec. The run doesn't need this process: when it dies, or the session is
 * cut (`outcome: 'cut'`), the command goes on, and a call with the offsets that have been recorded continues at that byte.
 * `start` begins the run if it has not begun in this container, else it only follows; `attach` never begins it, so use
 * `attach` once the start has been recorded. Output is handed over in order per stream, one call at a time: not
 * resolving holds the follower back, never the command. Throws only what a handler throws.
 */
export async function startOrFollow(
  compute: Compute, gpuId: string, mode: 'start' | 'attach', spec: RunSpec, offsets: RunOffsets, handlers: RunHandlers,
): Promise<RunEnd> {
  if (mode === 'start' && tooLong(spec)) return cannotStart(126, `an argument or variable is longer than ${longestArgument} bytes`);
  const variables = variablesOf(spec);
  let leave = () => {};
  let root: Promise<FileHandle | null> | null = null;
  try {
    leave = await queueOf(compute).enter();
    if (handlers.signal?.aborted) return cut('let go before it began');
    // beside the exec: it is wanted when the run has begun
    root = hasLocalFiles(compute) ? compute.openRoot(gpuId).catch(() => null) : null;
    const nonce = randomBytes(16).toString('hex');
    const session = await execWithin(compute, gpuId, argvOf(mode, spec, offsets, root !== null, nonce, variables.lines), beginDeadlineMs);
    if (mode === 'start') session.stdin.write(variables.text);
    const end = await follow(session, nonce, { ...offsets }, handlers, leave, root && { root, runId: spec.runId, keptBytes: keptBytesOf(spec) });
    return end.outcome === 'lost' && end.why === 'supervisor_killed' ? await confirmed(compute, gpuId, end, handlers.signal) : end;
  } catch (error) {
    if (error instanceof ContainerGone) return { outcome: 'lost', why: 'container_gone' };
    if (error instanceof ExecQueueFull || error instanceof EngineError) return cut(error.message);
    throw error;
  } finally {
    leave();
    await (await root)?.close();
  }
}

/** The processes of a container that is being destroyed die one after the other: its last session may have seen the supervisor die. */
async function confirmed(compute: Compute, gpuId: string, end: RunEnd, letGo: AbortSignal | undefined): Promise<RunEnd> {
  const { exitCode } = await ask(compute, gpuId, ['/bin/sh', '-c', 'echo here'], beginDeadlineMs, letGo);
  return exitCode === 0 ? end : cut('the container may be going');
}

async function follow(
  session: ExecSession, nonce: string, offsets: RunOffsets, handlers: RunHandlers, onBegun: () => void, local: LocalSource | null,
): Promise<RunEnd> {
  const letGo = () => session.close();
  const slow = setTimeout(letGo, beginDeadlineMs);
  const follower = new Follower(session, nonce, offsets, handlers, () => {
    clearTimeout(slow);
    onBegun();
  }, local);
  handlers.signal?.addEventListener('abort', letGo, { once: true });
  try {
    return await follower.end();
  } finally {
    clearTimeout(slow);
    handlers.signal?.removeEventListener('abort', letGo);
    session.close();
  }
}

function argvOf(mode: string, spec: RunSpec, offsets: RunOffsets, isLocal: boolean, nonce: string, variableLines: number): string[] {
  // a segment ends with the read that fills it: up to one read more than asked for
  const segmentBytes = Math.max(readBytes, Math.floor(keptBytesOf(spec) / segmentsKept) - readBytes);
  return [
    '/bin/sh', '-c', runScript, 'kgpu-run', mode, spec.runId, nonce, ...[offsets.stdout, offsets.stderr].map((offset) => `${isLocal ? '-' : ''}${offset}`),
    `${segmentBytes}`, `${segmentsKept}`,
    // who only follows needs no command
    ...(mode === 'start' ? [(spec.spent ?? []).join(' '), `${variableLines}`, spec.cwd ?? '', ...spec.command] : []),
  ];
}

/** As words of sh. They travel by stdin, since all users of the machine may see arguments, and variables hold tokens and keys. */
function variablesOf({ env }: RunSpec): { text: string; lines: number } {
  const words = Object.entries(env).map(([name, value]) => `'${name}=${value.replaceAll("'", `'\\''`)}'`);
  const text = words.length === 0 ? '' : `${words.join(' ')}\n`;
  return { text, lines: text.split('\n').length - 1 };
}

function keptBytesOf({ outputCapBytes = 1_073_741_824 }: RunSpec): number {
  return outputCapBytes;
}

function tooLong(spec: RunSpec): boolean {
  return spec.command.some((argument) => Buffer.byteLength(argument) > longestArgument)
    || Object.entries(spec.env).some(([name, value]) => Buffer.byteLength(name) + 1 + Buffer.byteLength(value) > longestArgument);
}

function cannotStart(exitCode: number, message: string): RunEnd {
  return { outcome: 'not_started', why: 'start_failed', exitCode, message };
}

function cut(why: string): RunEnd {
  return { outcome: 'cut', why };
}
