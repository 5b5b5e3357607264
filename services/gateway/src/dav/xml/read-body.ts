import { Problem } from '@kgpu/contracts';
import { readXml, type XmlElement } from './read-xml.ts';

const MAX_XML_BYTES = 65_536;

/** A body as XML; null when there is none. @throws Problem `payload_too_large`, `invalid_xml`, and what the body throws */
export async function readXmlBody(bytes: () => AsyncIterable<Uint8Array>): Promise<XmlElement | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes()) {
    size += chunk.byteLength;
    if (size > MAX_XML_BYTES) throw new Problem('payload_too_large', `An XML body has at most ${MAX_XML_BYTES} bytes.`);
    chunks.push(chunk);
  }
  return size === 0 ? null : readXml(Buffer.concat(chunks));
}
