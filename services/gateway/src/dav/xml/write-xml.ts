/** XML as replies need it. Nothing of a name, path or value gets in unescaped. */
import type { XmlElement } from './read-xml.ts';

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\r': '&#13;', '\n': '&#10;', '\t': '&#9;' };

export function escapeText(text: string): string {
  return /[&<>\r]/.test(text) ? text.replace(/[&<>\r]/g, (char) => escapes[char]!) : text;
}

export function escapeAttribute(text: string): string {
  return text.replace(/[&<>"\r\n\t]/g, (char) => escapes[char]!);
}

type Scope = Readonly<Record<string, string>>;
const outermost: Scope = { '': '', xml: 'http://www.w3.org/XML/1998/namespace' };

/**
 * An element as XML that stands for itself: it binds every prefix that it uses, and keeps the client's prefixes. Where `inherited`
 * names prefixes that were bound around it, they are kept too (text may hold them).
 */
export function writeElement(element: XmlElement, inherited: Scope = {}): string {
  return write({ ...element, declares: { ...inherited, ...element.declares } }, outermost);
}

function write(element: XmlElement, outer: Scope): string {
  const own: Record<string, string> = { ...element.declares, [element.prefix]: element.namespace };
  for (const { prefix, namespace } of element.attributes) if (prefix !== '') own[prefix] = namespace;
  const news = Object.entries(own).filter(([prefix, namespace]) => outer[prefix] !== namespace && prefix !== 'xml' && prefix !== 'xmlns');
  const bound = news.map(([prefix, namespace]) => ` ${prefix === '' ? 'xmlns' : `xmlns:${prefix}`}="${escapeAttribute(namespace)}"`).join('');
  const attributes = element.attributes.map(({ prefix, local, value }) => ` ${qualified(prefix, local)}="${escapeAttribute(value)}"`).join('');
  const scope = { ...outer, ...Object.fromEntries(news) };
  const content = element.children.map((child) => (typeof child === 'string' ? escapeText(child) : write(child, scope))).join('');
  const name = qualified(element.prefix, element.local);
  return content === '' ? `<${name}${bound}${attributes}/>` : `<${name}${bound}${attributes}>${content}</${name}>`;
}

/** What is inside an element, each part standing for itself. */
export function writeContent(element: XmlElement, inherited: Scope = {}): string {
  const scope = { ...inherited, ...element.declares };
  return element.children.map((child) => (typeof child === 'string' ? escapeText(child) : writeElement(child, scope))).join('').trim();
}

/** An empty element of any namespace, inside of one that binds `D:` to `DAV:` and has no default namespace. */
export function emptyElement({ namespace, local }: { namespace: string; local: string }): string {
  if (namespace === 'DAV:') return `<D:${local}/>`;
  return namespace === '' ? `<${local}/>` : `<${local} xmlns="${escapeAttribute(namespace)}"/>`;
}

function qualified(prefix: string, local: string): string {
  return prefix === '' ? local : `${prefix}:${local}`;
}
