import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { Writable } from 'node:stream';
import type { Readable } from 'node:stream';
import type { ExecOptions, ExecSession, TakeBytes } from '../compute.ts';
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

/** Hands out a stream until its end; a taker that holds its bytes holds it. */
async function readStream(stream: Readable, take: TakeBytes): Promise<void> {
  for await (const bytes of untilCut(stream)) {
    const held = take(bytes);
    if (held !== undefined) await held;
  }
}

/** A stream that is cut ends. */
async function* untilCut(stream: Readable): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch {
    return;
  }
}

function sessionOf(child: ChildProcessWithoutNullStreams, signal: AbortSignal | undefined): ExecSession {
  const { stdin, stdout, stderr } = child;
  const exit = Promise.withResolvers<number | null>();
  const closed = Promise.withResolvers<void>();
  const close = () => {
    for (const stream of [stdin, stdout, stderr]) stream.destroy();
    exit.resolve(null);
    closed.resolve();
  };
  child.on('exit', (code, killedBy) => exit.resolve(code ?? 128 + constants.signals[killedBy!]));
  child.on('error', () => exit.resolve(null));
  child.unref();
  if (signal?.aborted) close();
  signal?.addEventListener('abort', close, { once: true });
  void exit.promise.then(() => signal?.removeEventListener('abort', close));
  return {
    stdin, exit: exit.promise, close,
    async read(takers) {
      try {
        await Promise.race([closed.promise, Promise.all([readStream(stdout, takers.stdout), readStream(stderr, takers.stderr)])]);
      } catch (error) {
        close();
        throw error;
      }
    },
  };
}

/** As a shell says it: 127 not found, 126 can't be executed. */
function refusedSession(error: NodeJS.ErrnoException): ExecSession {
  const code = error.code === 'ENOENT' ? 127 : 126;
  const reason = error.code === 'E2BIG' ? 'argument list too long' : error.message;
  return {
    stdin: new Writable({ write: (_chunk, _encoding, done) => done() }),
    read: async ({ stderr }) => stderr(Buffer.from(`${reason}\n`)),
    exit: Promise.resolve(code),
    close: () => {},
  };
}
