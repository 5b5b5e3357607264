import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { join } from 'node:path';
import { EngineError } from '../exec-queue.ts';

/** Where an engine listens, as `http.request` and dockerode both take it. */
export interface EngineAddress {
  socketPath?: string;
  protocol?: 'http' | 'https';
  host?: string;
  port?: number;
  ca?: Buffer;
  cert?: Buffer;
  key?: Buffer;
}

/** `unix:///path` or `tcp://host:port` (with `DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH` as docker has them). Throws an Error for others. */
export function engineAddress(dockerHost = process.env['DOCKER_HOST'] || 'unix:///var/run/docker.sock', env = process.env): EngineAddress {
  if (dockerHost.startsWith('unix://')) return { socketPath: dockerHost.slice('unix://'.length) };
  const match = /^(?:tcp|https?):\/\/(\[[^\]]+\]|[^:/]+)(?::(\d+))?\/?$/.exec(dockerHost);
  if (match === null) throw new Error(`DOCKER_HOST must be unix:///path or tcp://host:port, not ${dockerHost}`);
  const tls = dockerHost.startsWith('https') || (env['DOCKER_TLS_VERIFY'] ?? '') !== '';
  const address = { host: match[1]!.replace(/[[\]]/g, ''), port: Number(match[2] ?? (tls ? 2376 : 2375)) };
  const folder = env['DOCKER_CERT_PATH'];
  if (!tls) return { ...address, protocol: 'http' };
  const file = (name: string) => readFileSync(join(folder!, name));
  return { ...address, protocol: 'https', ...(folder ? { ca: file('ca.pem'), cert: file('cert.pem'), key: file('key.pem') } : {}) };
}

export interface EngineReply {
  status: number;
  headers: http.IncomingHttpHeaders;
  /** Parsed JSON, or null. */
  body: { message?: string } & Record<string, unknown> | null;
}

/**
 * The engine's HTTP for what dockerode does badly: many short requests over kept connections, each with a deadline. They throw
 * `EngineError` when the engine doesn't answer.
 */
export class EngineHttp {
  readonly #agent: http.Agent | https.Agent;
  readonly #request: typeof http.request;

  constructor(readonly address: EngineAddress) {
    const kept = { keepAlive: true, maxSockets: 32, timeout: 30_000 };
    this.#agent = address.protocol === 'https' ? new https.Agent(kept) : new http.Agent(kept);
    this.#request = address.protocol === 'https' ? https.request : http.request;
  }

  request(method: string, path: string, body?: unknown, deadlineMs = 10_000): Promise<EngineReply> {
    return new Promise((resolve, reject) => {
      const request = this.#open(method, path, body, deadlineMs, reject);
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', (error) => reject(unreachable(error)));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: parsedBody(Buffer.concat(chunks)) }));
      });
    });
  }

  close(): void {
    this.#agent.destroy();
  }

  #open(method: string, path: string, body: unknown, deadlineMs: number, reject: (error: Error) => void): http.ClientRequest {
    const json = body === undefined ? '' : JSON.stringify(body);
    const headers = { Host: 'docker', 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(json) };
    const { protocol: _protocol, ...address } = this.address;
    const request = this.#request({ ...address, agent: this.#agent, method, path, headers });
    const timer = setTimeout(() => request.destroy(new Error(`no answer within ${deadlineMs} ms`)), deadlineMs);
    request.on('close', () => clearTimeout(timer));
    request.on('error', (error) => reject(unreachable(error)));
    request.end(json);
    return request;
  }
}

function unreachable(error: Error): EngineError {
  return new EngineError(`the Docker engine did not answer: ${error.message}`, { cause: error });
}

/** Null when it is no JSON. */
export function parsedBody(bytes: Buffer): EngineReply['body'] {
  try {
    return JSON.parse(bytes.toString('utf8')) as EngineReply['body'];
  } catch {
    return null;
  }
}
