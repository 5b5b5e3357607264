import { Agent, request } from 'node:http';
import { connect } from 'node:net';

export interface RawReply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

const DEADLINE_MS = 20_000;

/** Sends a request as it is: no client library puts right what is wrong with it. */
export class RawHttp {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 });

  constructor(private readonly url: string) {}

  send({ method, path, headers, body }: { method: string; path: string; headers: Record<string, string>; body: string | Buffer | null }): Promise<RawReply> {
    const { hostname, port } = new URL(this.url);
    return new Promise((resolve, reject) => {
      const outgoing = request({ hostname, port, method, path, headers, agent: this.#agent, timeout: DEADLINE_MS }, (incoming) => {
        if (isLive(incoming.headers['content-type'])) {
          resolve({ status: incoming.statusCode!, headers: incoming.headers, text: '' });
          outgoing.destroy();
          return;
        }
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('end', () => resolve({ status: incoming.statusCode!, headers: incoming.headers, text: Buffer.concat(chunks).toString() }));
        incoming.on('error', reject);
      });
      outgoing.on('upgrade', (incoming, socket) => {
        socket.destroy();
        resolve({ status: incoming.statusCode!, headers: incoming.headers, text: '' });
      });
      outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer to ${method} ${path.slice(0, 100)}`)));
      outgoing.on('error', reject);
      outgoing.end(body ?? undefined);
    });
  }

  /** Writes bytes to a socket; resolves with everything that came back before the server closed it. */
  bytes(text: string): Promise<string> {
    const { hostname, port } = new URL(this.url);
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => socket.write(text));
      let received = '';
      socket.setTimeout(DEADLINE_MS, () => socket.destroy(new Error('the server neither answered nor closed')));
      socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
      socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' ? resolve(received) : reject(error)));
      socket.on('close', () => resolve(received));
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** What may never end: its head is all the reply there is. */
function isLive(contentType: string | undefined): boolean {
  return /^(text\/event-stream|application\/x-ndjson)\b/.test(contentType ?? '');
}
