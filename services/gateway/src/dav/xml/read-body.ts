import type { IncomingMessage } from 'node:http';
import { Problem } from '@kgpu/contracts';
import { readXml, type XmlElement } from './read-xml.ts';

const MAX_XML_BYTES = 64 * 1024;

/**
 * The body of a request as XML; null when it has none. A body that is too large isn't kept: the rest of it is let pass, so that the
 * client hears the answer.
 * @throws Problem `payload_too_large`, `invalid_xml`
 */
export async function readXmlBody(request: IncomingMessage): Promise<XmlElement | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  const tooLarge = new Problem('payload_too_large', `An XML body has at most ${MAX_XML_BYTES} bytes.`);
  if (Number(request.headers['content-length'] ?? 0) > MAX_XML_BYTES) {
    request.resume();
    throw tooLarge;
  }
  await new Promise<void>((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_XML_BYTES) {
        chunks.length = 0;
        reject(tooLarge);
      } else chunks.push(chunk);
    });
    request.once('end', resolve);
    request.once('error', () => reject(new Problem('request_timeout', 'The body was cut.')));
    request.once('close', () => reject(new Problem('request_timeout', 'The body was cut.')));
  });
  return size === 0 ? null : readXml(Buffer.concat(chunks));
}

/** A body is announced. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
