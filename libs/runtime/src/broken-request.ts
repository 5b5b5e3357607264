import type { Socket } from 'node:net';
import { Problem } from '@kgpu/contracts';
import { problemHeaders } from './http-problem.ts';

/** What is not HTTP, or larger or slower than it may be: the same shape, written by hand because there is no request. */
export function answerBrokenRequest(error: NodeJS.ErrnoException & { rawPacket?: unknown }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = brokenRequest(error.code);
  const body = JSON.stringify(problem);
  // As far as it can be seen: bytes after the head of an answer to a HEAD are an error to clients.
  const isHead = Buffer.isBuffer(error.rawPacket) && error.rawPacket.subarray(0, 5).toString() === 'HEAD ';
  const headers = Object.entries({ ...problemHeaders(problem.toJSON()), 'content-length': Buffer.byteLength(body), connection: 'close' });
  socket.end(`HTTP/1.1 ${problem.status} ${problem.code}\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${isHead ? '' : body}`);
}

function brokenRequest(code: string | undefined): Problem {
  if (code === 'HPE_HEADER_OVERFLOW') return new Problem('headers_too_large');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new Problem('request_timeout');
  return new Problem('invalid_request', 'This is not a request of HTTP/1.1.');
}
