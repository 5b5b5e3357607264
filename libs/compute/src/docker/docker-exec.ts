import { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { ContainerGone } from '../compute.ts';
import type { ExecOptions, ExecSession } from '../compute.ts';
import { EngineError } from '../exec-queue.ts';
import { FrameReader } from './frame-reader.ts';
import type { EngineHttp, EngineReply } from './engine-http.ts';
import { Hijacked, hijack } from './hijack.ts';

/**
 * Runs argv in a container over the engine's own protocol: the connection of `exec start` is taken over and carries stdin
 * one way and frames the other. dockerode's own exec has no backpressure and may never settle.
 */
export async function dockerExec(engine: EngineHttp, container: string, gpuId: string, argv: readonly string[], options: ExecOptions): Promise<ExecSession> {
  const created = await engine.request('POST', `/containers/${container}/exec`, { AttachStdin: true, AttachStdout: true, AttachStderr: true, Cmd: argv }, 30_000);
  if (created.status !== 201) throw refusal(created, gpuId);
  const id = String(created.body?.['Id']);
  const started = await hijack(engine.address, `/exec/${id}/start`, { Detach: false, Tty: false });
  if (!(started instanceof Hijacked)) throw refusal(started, gpuId);
  return sessionOf(started, () => exitCodeOf(engine, id), options.signal);
}

function sessionOf(connection: Hijacked, exitCode: () => Promise<number | null>, signal: AbortSignal | undefined): ExecSession {
  const { socket } = connection;
  const exit = Promise.withResolvers<number | null>();
  const stdin = new Writable({
    write: (chunk: Buffer, _encoding, done) => void socket.write(chunk, done),
    final: (done) => void socket.end(done),
  });
  let frames: FrameReader | null = null;
  let isClosed = false;
  const close = () => {
    isClosed = true;
    frames?.stop();
    connection.close();
    stdin.destroy();
    exit.resolve(null);
  };
  void connection.ended.then(exitCode).then(exit.resolve);
  if (signal?.aborted) close();
  signal?.addEventListener('abort', close, { once: true });
  void exit.promise.then(() => signal?.removeEventListener('abort', close));
  return {
    stdin, exit: exit.promise, close,
    read(takers) {
      frames = new FrameReader(takers);
      if (isClosed) frames.stop();
      return connection.read(frames.take);
    },
  };
}

/** The engine may learn of the end a moment after the streams have ended. Null when it can't tell. */
async function exitCodeOf(engine: EngineHttp, id: string): Promise<number | null> {
  for (let waitMs = 5; waitMs < 2_000; waitMs *= 2) {
    const { status, body } = await engine.request('GET', `/exec/${id}/json`).catch(() => ({ status: 0, body: null }));
    if (status !== 200) return null;
    if (body?.['Running'] === false && typeof body['ExitCode'] === 'number') return body['ExitCode'];
    await delay(waitMs);
  }
  return null;
}

/** 404: no such container; 409: not running (or paused: that one is still there). */
function refusal({ status, body }: EngineReply, gpuId: string): Error {
  const message = body?.message ?? `status ${status}`;
  const gone = status === 404 || (status === 409 && !/paused/.test(message)) || /is not running/.test(message);
  return gone ? new ContainerGone(gpuId, { cause: new Error(message) }) : new EngineError(`the Docker engine refused the command: ${message}`);
}
