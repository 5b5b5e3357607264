import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { Readable, Writable } from 'node:stream';
import type { ExecOptions, ExecSession } from '../compute.ts';
import type { Invocation } from './enclosure.ts';

/** A program as an exec session. It has a session of its own, so that a Ctrl-C meant for the services doesn't reach it. */
export async function childSession({ file, args, env, cwd }: Invocation, options: ExecOptions): Promise<ExecSession> {
  try {
    const child = spawn(file, args, { env, cwd, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    const session = sessionOf(child, options.signal);
    await once(child, 'spawn');
    return session;
  } catch (error) {
    return refusedSession(error as NodeJS.ErrnoException);
  }
}

function sessionOf(child: ChildProcessWithoutNullStreams, signal: AbortSignal | undefined): ExecSession {
  const { stdin, stdout, stderr } = child;
  const exit = Promise.withResolvers<number | null>();
  const close = () => {
    for (const stream of [stdin, stdout, stderr]) stream.destroy();
    exit.resolve(null);
  };
  child.on('exit', (code, killedBy) => exit.resolve(code ?? 128 + constants.signals[killedBy!]));
  child.on('error', () => exit.resolve(null));
  child.unref();
  if (signal?.aborted) close();
  signal?.addEventListener('abort', close, { once: true });
  void exit.promise.then(() => signal?.removeEventListener('abort', close));
  return { stdin, stdout, stderr, exit: exit.promise, close };
}

/** As a shell says it: 127 not found, 126 can't be executed. */
function refusedSession(error: NodeJS.ErrnoException): ExecSession {
  const code = error.code === 'ENOENT' ? 127 : 126;
  const reason = error.code === 'E2BIG' ? 'argument list too long' : error.message;
  return {
    stdin: new Writable({ write: (_chunk, _encoding, done) => done() }),
    stdout: Readable.from([]),
    stderr: Readable.from([Buffer.from(`${reason}\n`)]),
    exit: Promise.resolve(code),
    close: () => {},
  };
}
