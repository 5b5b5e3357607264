import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { elementsOf, readXml, type XmlElement } from './read-xml.ts';
import { writeContent, writeElement } from './write-xml.ts';

const read = (text: string) => readXml(Buffer.from(text));

/** What must survive of an element. */
const essence = (element: XmlElement): unknown => [
  element.namespace, element.local, element.attributes.map(({ namespace, local, value }) => `${namespace} ${local} ${value}`).sort(),
  element.children.map((child) => (typeof child === 'string' ? child : essence(child))),
];

const name = fc.stringMatching(/^[a-c][a-z0-9]{0,3}$/);
const namespace = fc.constantFrom('', 'DAV:', 'urn:a', 'urn:"b"&<');
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }).filter((string) => !/[\p{Cc}\uFFFE\uFFFF]/u.test(string));
const { element } = fc.letrec<{ element: XmlElement }>((tie) => ({
  element: fc.record({
    local: name, namespace,
    attributes: fc.uniqueArray(fc.record({ prefix: fc.constant(''), local: name, namespace: fc.constant(''), value: text }), { selector: ({ local }) => local, maxLength: 2 }),
    declares: fc.constant({}), children: fc.array(fc.oneof({ depthSize: 'small' }, text, tie('element')), { maxLength: 3 }),
  }).map((made) => ({ ...made, prefix: made.namespace === '' ? '' : `p${made.namespace.length}` })),
}));

describe('an element that is written', () => {
  it('is read back as it was, in any namespace and with any text', () => {
    fc.assert(fc.property(element, (made) => {
      const again = read(writeElement(made));
      expect(essence(joined(again))).toEqual(essence(joined(made)));
    }));
  });

  it('stands for itself, with the prefixes that were bound around it', () => {
    const [prop] = elementsOf(read('<D:prop xmlns:D="DAV:" xmlns:z="urn:z"><z:a>z:b</z:a></D:prop>'));
    expect(writeElement(prop!, { z: 'urn:z' })).toBe('<z:a xmlns:z="urn:z">z:b</z:a>');
  });

  it('leaves a default namespace that was around it', () => {
    const [inner] = elementsOf(read('<a xmlns="urn:a"><b xmlns=""/></a>'));
    expect(writeElement(inner!, { '': 'urn:a' })).toBe('<b/>');
  });

  it('gives its content, each part with what it needs', () => {
    expect(writeContent(read('<D:owner xmlns:D="DAV:"> <D:href>a&amp;b</D:href> </D:owner>'))).toBe('<D:href xmlns:D="DAV:">a&amp;b</D:href>');
  });
});

/** Text in one piece, however it came. */
function joined(made: XmlElement): XmlElement {
  const children: (XmlElement | string)[] = [];
  for (const child of made.children) {
    const last = children.at(-1);
    if (typeof child !== 'string') children.push(joined(child));
    else if (typeof last === 'string') children[children.length - 1] = last + child;
    else children.push(child);
  }
  return { ...made, children };
}
