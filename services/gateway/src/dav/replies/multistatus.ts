/** The bodies of WebDAV replies (RFC 4918, 14). */
import { Readable } from 'node:stream';
import { constants, createGzip } from 'node:zlib';

export const XML_TYPE = 'application/xml; charset=utf-8';
/** Pages are made ahead of a client that reads slowly, up to here. */
const AHEAD_BYTES = 1_048_576;
const PROLOGUE = '<?xml version="1.0" encoding="utf-8"?>\n';

const OK = '<D:status>HTTP/1.1 200 OK</D:status>';
const phrases: Record<number, string> = { 403: 'Forbidden', 404: 'Not Found', 423: 'Locked', 424: 'Failed Dependency', 507: 'Insufficient Storage' };

export function statusLine(status: number): string {
  return status === 200 ? OK : `<D:status>HTTP/1.1 ${status} ${phrases[status] ?? ''}</D:status>`;
}

/** `props`: elements, one after the other. */
export function propstat(status: number, props: string, error = ''): string {
  return `<D:propstat><D:prop>${props}</D:prop>${statusLine(status)}${error === '' ? '' : `<D:error>${error}</D:error>`}</D:propstat>`;
}

/** `href` is percent-encoded, so that nothing in it is special in XML. */
export function response(href: string, inside: string): string {
  return `<D:response><D:href>${href}</D:href>${inside}</D:response>\n`;
}

export function multistatus(responses: readonly string[]): string {
  return `${PROLOGUE}<D:multistatus xmlns:D="DAV:">\n${responses.join('')}</D:multistatus>`;
}

/** A precondition that did not hold, by the name that clients know it by. */
export function errorBody(inside: string): string {
  return `${PROLOGUE}<D:error xmlns:D="DAV:">${inside}</D:error>`;
}

export function propBody(inside: string): string {
  return `${PROLOGUE}<D:prop xmlns:D="DAV:">${inside}</D:prop>`;
}

/**
 * A multistatus of any length, made while it is sent. `pages` are runs of responses; the first has been made, so that what goes
 * wrong at once can still be told with a status.
 */
export function streamMultistatus(first: string, rest: AsyncIterable<string>, gzip: boolean): Readable {
  async function* body(): AsyncGenerator<string> {
    yield `${PROLOGUE}<D:multistatus xmlns:D="DAV:">\n${first}`;
    yield* rest;
    yield '</D:multistatus>';
  }
  const plain = Readable.from(body(), { objectMode: false, highWaterMark: AHEAD_BYTES });
  if (!gzip) return plain;
  // Entries are much alike: the fastest level makes little more of them than the best.
  const packed = createGzip({ level: constants.Z_BEST_SPEED });
  plain.on('error', (error) => packed.destroy(error));
  packed.on('close', () => plain.destroy());
  return plain.pipe(packed);
}

/** Whether the client takes gzip (`Accept-Encoding`). */
export function takesGzip(header: string | string[] | undefined): boolean {
  return String(header ?? '').split(',').some((coding) => /^\s*(gzip|\*)\s*(;\s*q=(1|0?\.\d*[1-9]\d*|1\.0*)\s*)?$/i.test(coding));
}
