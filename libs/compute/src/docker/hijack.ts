import type { TakeBytes } from '../compute.ts';
import { EngineError } from '../exec-queue.ts';
import { parsedBody, type EngineAddress, type EngineReply } from './engine-http.ts';
import { LendingSocket } from './lending-socket.ts';

const longestReply = 65_536;
const endOfHead = '\r\n\r\n';

/** A connection that the engine has handed over: raw bytes both ways. Nothing is read before somebody takes it. */
export class Hijacked {
  readonly #connection: LendingSocket;
  readonly #first: Buffer;
  readonly #begin: (first: Promise<void>) => void;

  constructor(connection: LendingSocket, first: Buffer, begin: (first: Promise<void>) => void) {
    this.#connection = connection;
    this.#first = first;
    this.#begin = begin;
  }

  get socket() {
    return this.#connection.socket;
  }

  /** Resolves when the connection has ended, however it did. */
  get ended(): Promise<unknown> {
    return this.#connection.ended;
  }

  /** Lends out what comes until the end of the connection. Rejects with what `take` throws. */
  async read(take: TakeBytes): Promise<void> {
    this.#connection.takeWith(take);
    this.#begin((async () => take(this.#first))());
    const error = await this.#connection.ended;
    if (error !== null) throw error;
  }

  close(): void {
    this.#connection.close();
  }
}

/**
 * Sends a request of which the engine takes the connection over. Node's own client can't lend out what it reads, so the head of the
 * reply is read here. Resolves with the connection, or with any other answer as it is.
 * @throws EngineError when none comes within the deadline.
 */
export async function hijack(address: EngineAddress, path: string, body: unknown, deadlineMs = 30_000): Promise<Hijacked | EngineReply> {
  const answer = Promise.withResolvers<Hijacked | EngineReply>();
  let read: Buffer = Buffer.alloc(0);
  const connection = new LendingSocket(address, (bytes) => {
    read = Buffer.concat([read, bytes]);
    const head = read.indexOf(endOfHead);
    if (head < 0 && read.length > longestReply) throw new EngineError('the Docker engine answered with something that is no HTTP');
    if (head < 0) return;
    const status = Number(/^HTTP\/1\.\d (\d{3})/.exec(read.toString('latin1', 0, head))?.[1] ?? 0);
    const first = read.subarray(head + endOfHead.length);
    if (status === 101) return new Promise((begin) => answer.resolve(new Hijacked(connection, first, begin)));
    const reply = wholeReply(status, read.toString('latin1', 0, head), first);
    if (reply !== null || read.length > longestReply) answer.resolve(reply ?? { status, headers: {}, body: null });
  });
  let why = 'the connection ended before it did';
  let cause: Error | undefined;
  connection.socket.on('error', (error) => {
    why = error.message;
    cause = error;
  });
  const timer = setTimeout(() => {
    why = `no answer within ${deadlineMs} ms`;
    connection.close();
  }, deadlineMs);
  void connection.ended.then((error) => answer.reject(error ?? new EngineError(`the Docker engine did not answer: ${why}`, { cause })));
  connection.socket.write(requestFor(path, body));
  try {
    const answered = await answer.promise;
    if (!(answered instanceof Hijacked)) connection.close();
    return answered;
  } finally {
    clearTimeout(timer);
  }
}

function requestFor(path: string, body: unknown): string {
  const json = JSON.stringify(body);
  const head = ['Host: docker', 'Content-Type: application/json', `Content-Length: ${Buffer.byteLength(json)}`, 'Connection: Upgrade', 'Upgrade: tcp'];
  return `POST ${path} HTTP/1.1\r\n${head.join('\r\n')}${endOfHead}${json}`;
}

/** Null while there is more to come. */
function wholeReply(status: number, head: string, body: Buffer): EngineReply | null {
  const headers = Object.fromEntries(head.split('\r\n').slice(1).map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
  if (/chunked/i.test(headers['transfer-encoding'] ?? '')) {
    const whole = dechunked(body);
    return whole === null ? null : { status, headers, body: parsedBody(whole) };
  }
  const length = Number(headers['content-length'] ?? 0);
  return body.length < length ? null : { status, headers, body: parsedBody(body.subarray(0, length)) };
}

function dechunked(bytes: Buffer): Buffer | null {
  const parts: Buffer[] = [];
  for (let at = 0; ;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return null;
    const length = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    if (!(length > 0)) return Buffer.concat(parts);
    at = lineEnd + 2 + length + 2;
    if (at > bytes.length) return null;
    parts.push(bytes.subarray(at - 2 - length, at - 2));
  }
}
