/** XML bodies of WebDAV requests as a tree: namespaces resolved, DOCTYPE refused, depth bounded. */
import { Problem } from '@kgpu/contracts';
import { SaxesParser, type SaxesTagNS } from 'saxes';

export interface XmlAttribute {
  prefix: string;
  local: string;
  namespace: string;
  value: string;
}

export interface XmlElement {
  /** As the client wrote it: values are kept with it. */
  prefix: string;
  local: string;
  /** `''`: none. */
  namespace: string;
  attributes: XmlAttribute[];
  /** Prefixes that this element binds. */
  declares: Record<string, string>;
  children: (XmlElement | string)[];
}

const MAX_DEPTH = 50;
/** Where the prefixes are bound, and where `xml:` is. */
const XMLNS = 'http://www.w3.org/2000/xmlns/';

/** @throws Problem `invalid_xml` */
export function readXml(bytes: Uint8Array): XmlElement {
  const root: XmlElement = { prefix: '', local: '', namespace: '', attributes: [], declares: {}, children: [] };
  const open = [root];
  const parser = new SaxesParser({ xmlns: true, forceXMLVersion: true, defaultXMLVersion: '1.0' });
  const text = (piece: string): void => void open.at(-1)!.children.push(piece);
  parser.on('doctype', () => {
    throw invalidXml('A DOCTYPE is not taken.');
  });
  parser.on('opentag', (tag) => {
    if (open.length > MAX_DEPTH) throw invalidXml(`Elements are nested deeper than ${MAX_DEPTH}.`);
    const element = elementOf(tag);
    open.at(-1)!.children.push(element);
    open.push(element);
  });
  parser.on('closetag', () => void open.pop());
  parser.on('text', text);
  parser.on('cdata', text);
  try {
    parser.write(decodeXml(bytes)).close();
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw invalidXml(error instanceof Error ? error.message.slice(0, 200) : 'It is not well-formed.');
  }
  return elementsOf(root)[0]!;
}

export function invalidXml(why: string): Problem {
  return new Problem('invalid_xml', why);
}

export function elementsOf({ children }: XmlElement): XmlElement[] {
  return children.filter((child) => typeof child !== 'string');
}

/** The first child of this name in the namespace `DAV:`. */
export function davChild(element: XmlElement, local: string): XmlElement | undefined {
  return elementsOf(element).find((child) => isDav(child, local));
}

export function isDav({ namespace, local }: XmlElement, name: string): boolean {
  return namespace === 'DAV:' && local === name;
}

function elementOf({ prefix, local, uri, attributes, ns }: SaxesTagNS): XmlElement {
  return {
    prefix, local, namespace: uri, declares: { ...ns }, children: [],
    attributes: Object.values(attributes).filter((attribute) => attribute.uri !== XMLNS)
      .map((attribute) => ({ prefix: attribute.prefix, local: attribute.local, namespace: attribute.uri, value: attribute.value })),
  };
}

/** UTF-8, or UTF-16 with its mark (RFC 4918, 8.2). */
function decodeXml(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const encoding = first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw invalidXml('It is not UTF-8.');
  }
}
