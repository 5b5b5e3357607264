import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './until.ts';

/**
 * The drives of one token as rentals see them, served out of two folders: `/v1/files/` by `rclone serve webdav` behind a
 * check of the token, `/v1/shared/` as a listing for rclone's http.
 */
export class DriveServer {
  readonly token = `kgpu_${'0123456789abcdef'.repeat(3)}`;
  readonly folder = mkdtempSync(join(tmpdir(), 'kgpu-drives-'));
  readonly files = join(this.folder, 'files');
  readonly shared = join(this.folder, 'shared');
  /** Whether a token is good. */
  accepts = (token: string): boolean => token === this.token;
  /** As if the server were gone: connections are cut without an answer. */
  down = false;
  /** Uploads wait for this. */
  held: Promise<void> = Promise.resolve();
  /** Method and path of everything that was asked. */
  readonly asked: string[] = [];
  #webdav: ChildProcess | null = null;
  #port = 0;
  readonly #server = http.createServer((request, response) => void this.#answer(request, response));

  static async start(): Promise<DriveServer> {
    const server = new DriveServer();
    for (const folder of [server.files, server.shared]) mkdirSync(folder);
    await server.#startWebdav();
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get base(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What a rental is given. */
  get env(): Record<string, string> {
    return { KGPU_API_BASE: this.base, KGPU_API_TOKEN: this.token };
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    this.#webdav?.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #startWebdav(): Promise<void> {
    const webdav = spawn('rclone', ['serve', 'webdav', '--config', '', '--addr', '127.0.0.1:0', '--baseurl', '/v1/files', this.files], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#webdav = webdav;
    let said = '';
    webdav.stderr.on('data', (chunk: Buffer) => { said += chunk.toString(); });
    const [, port] = await until('rclone serves', () => /started on \[?http:\/\/127\.0\.0\.1:(\d+)\//.exec(said));
    this.#port = Number(port);
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    this.asked.push(`${method} ${url}`);
    if (this.down) return void request.socket.destroy();
    if (!this.accepts((headers.authorization ?? '').replace('Bearer ', ''))) return void response.writeHead(401).end();
    if (url.startsWith('/v1/shared/')) return this.#serveShared(url.slice('/v1/shared/'.length), method, response);
    if (method === 'PUT') await this.held;
    const { authorization: _, ...others } = headers;
    const inner = http.request({ host: '127.0.0.1', port: this.#port, method, path: url, headers: others }, (reply) => {
      response.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(response);
    });
    inner.on('error', () => request.socket.destroy());
    request.pipe(inner);
  }

  #serveShared(url: string, method: string, response: http.ServerResponse): void {
    const path = join(this.shared, decodeURIComponent(url));
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return void response.writeHead(404).end();
    if (stat.isDirectory()) {
      const links = readdirSync(path, { withFileTypes: true }).map((entry) => `<a href="./${encodeURIComponent(entry.name)}${entry.isDirectory() ? '/' : ''}">x</a>`);
      return void response.writeHead(200, { 'Content-Type': 'text/html' }).end(links.join('\n'));
    }
    response.writeHead(200, { 'Content-Length': stat.size, 'Last-Modified': stat.mtime.toUTCString() });
    if (method === 'HEAD') response.end();
    else createReadStream(path).pipe(response);
  }
}
