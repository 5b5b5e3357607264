import { describe, expect, it } from '@jest/globals';
import { codeOf } from '../../testing/code-of.ts';
import { elementsOf, readXml } from './read-xml.ts';

const read = (text: string) => readXml(Buffer.from(text));
describe('an XML body', () => {
  it('is read with its namespaces, whatever its prefixes are', () => {
    const [child] = elementsOf(read('<a:propfind xmlns:a="DAV:" xmlns="urn:x"><prop a:k="v">t</prop></a:propfind>'));
    expect(child).toMatchObject({ namespace: 'urn:x', local: 'prop', children: ['t'], attributes: [{ namespace: 'DAV:', local: 'k', value: 'v' }] });
  });

  it('may be UTF-16 with a mark', () => {
    expect(readXml(Buffer.from('\ufeff<a xmlns="DAV:">ä</a>', 'utf16le'))).toMatchObject({ namespace: 'DAV:', children: ['ä'] });
  });

  it.each([
    ['a DOCTYPE', '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'],
    ['a bomb of entities', '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><a>&b;</a>'],
    ['an entity that nobody defined', '<a>&x;</a>'],
    ['a prefix that nothing binds', '<D:a/>'],
    ['a prefix bound to nothing', '<a xmlns:b=""><b:c/></a>'],
    ['a prefix bound to nothing, in XML 1.1', '<?xml version="1.1"?><a xmlns:b=""/>'],
    ['an element that is not closed', '<a><b></a>'],
    ['text that is no XML', 'hello'],
    ['two roots', '<a/><b/>'],
    ['elements nested a thousand deep', '<a>'.repeat(1_000) + '</a>'.repeat(1_000)],
    ['a control character', '<a>\u0001</a>'],
  ])('with %s is refused', (_, text) => {
    expect(codeOf(() => read(text))).toBe('invalid_xml');
  });

  it('that is not UTF-8 is refused', () => {
    expect(codeOf(() => readXml(Buffer.from([0x3c, 0x61, 0x3e, 0xff, 0x3c, 0x2f, 0x61, 0x3e])))).toBe('invalid_xml');
  });
});
