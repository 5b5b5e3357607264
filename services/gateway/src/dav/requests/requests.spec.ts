import { describe, expect, it } from '@jest/globals';
import { codeOf } from '../../testing/code-of.ts';
import { readXml } from '../xml/read-xml.ts';
import { parseLock } from './lock-request.ts';
import { parsePropfind } from './propfind-request.ts';
import { parseProppatch } from './proppatch-request.ts';

const xml = (text: string) => readXml(Buffer.from(text));
describe('a PROPFIND', () => {
  const parse = (inside: string) => parsePropfind(xml(`<propfind xmlns="DAV:">${inside}</propfind>`));

  it('asks for all, also when it says nothing', () => {
    expect(parsePropfind(null)).toEqual({ kind: 'all', also: [] });
    expect(parse('<allprop/><include><x xmlns="urn:x"/></include>')).toEqual({ kind: 'all', also: [{ namespace: 'urn:x', local: 'x' }] });
  });

  it('asks for names, or for some, each once', () => {
    expect(parse('<propname/>')).toEqual({ kind: 'names' });
    expect(parse('<prop><a/><a/><b xmlns=""/></prop>')).toEqual({ kind: 'some', wanted: [{ namespace: 'DAV:', local: 'a' }, { namespace: '', local: 'b' }] });
  });

  it('is refused when it asks for none or two of them', () => {
    for (const inside of ['', '<propname/><allprop/>', '<x xmlns="urn:x"/>']) expect(codeOf(() => parse(inside))).toBe('invalid_xml');
    expect(codeOf(() => parsePropfind(xml('<propfind xmlns="urn:x"/>')))).toBe('invalid_xml');
  });
});

describe('a PROPPATCH', () => {
  const parse = (inside: string) => parseProppatch(xml(`<D:propertyupdate xmlns:D="DAV:" xmlns:z="urn:z">${inside}</D:propertyupdate>`));

  it('does its steps in order: the last one on a property stays', () => {
    const { set, remove, named } = parse('<D:set><D:prop><z:a>1</z:a><z:b/></D:prop></D:set><D:remove><D:prop><z:a/></D:prop></D:remove><D:set><D:prop><z:b>2</z:b></D:prop></D:set>');
    expect(remove).toEqual(['{urn:z}a']);
    expect(set).toEqual([{ name: '{urn:z}b', value: expect.stringContaining('>2</z:b>') }]);
    expect(named).toHaveLength(2);
  });

  it('keeps values as elements that stand for themselves, with their language', () => {
    const { set } = parse('<D:set><D:prop xml:lang="de"><z:a>1 &lt; 2<z:i/></z:a></D:prop></D:set>');
    expect(xml(set[0]!.value)).toMatchObject({
      namespace: 'urn:z', local: 'a', attributes: [{ prefix: 'xml', local: 'lang', value: 'de' }], children: ['1 < 2', { namespace: 'urn:z', local: 'i' }],
    });
  });

  it('is refused without a change', () => {
    expect(codeOf(() => parse('<D:set><D:prop/></D:set>'))).toBe('invalid_xml');
    expect(codeOf(() => parseProppatch(null))).toBe('invalid_xml');
  });
});

describe('a LOCK', () => {
  const parse = (inside: string) => parseLock(xml(`<lockinfo xmlns="DAV:">${inside}</lockinfo>`));

  it('says its scope and its owner', () => {
    expect(parse('<lockscope><exclusive/></lockscope><locktype><write/></locktype><owner><href>mailto:a@b</href></owner>'))
      .toEqual({ scope: 'exclusive', owner: '<href xmlns="DAV:">mailto:a@b</href>' });
    expect(parse('<lockscope><shared/></lockscope><locktype><write/></locktype>')).toEqual({ scope: 'shared', owner: '' });
    expect(parseLock(null)).toBeNull();
  });

  it('is refused without a scope or a type that there is, or with an owner who tells a novel', () => {
    for (const inside of ['<lockscope><exclusive/></lockscope>', '<locktype><write/></locktype>', '<lockscope><shared/><exclusive/></lockscope><locktype><write/></locktype>',
      `<lockscope><shared/></lockscope><locktype><write/></locktype><owner>${'x'.repeat(4_097)}</owner>`]) {
      expect(codeOf(() => parse(inside))).toBe('invalid_xml');
    }
  });
});
