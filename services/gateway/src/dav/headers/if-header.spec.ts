import { describe, expect, it } from '@jest/globals';
import { codeOf } from '../../testing/code-of.ts';
import { holds, parseIf, submittedTokens } from './if-header.ts';

describe('the If header', () => {
  it('is lists of conditions on the resource of the request', () => {
    expect(parseIf('(<urn:a> ["e"]) (Not <urn:b>)')).toEqual([
      { resource: null, conditions: [{ not: false, token: 'urn:a' }, { not: false, etag: '"e"' }] },
      { resource: null, conditions: [{ not: true, token: 'urn:b' }] },
    ]);
  });

  it('is lists on resources that it names', () => {
    expect(parseIf('<http://h/a> (<urn:a>) (["x"])</b>(not["y"])')).toEqual([
      { resource: 'http://h/a', conditions: [{ not: false, token: 'urn:a' }] },
      { resource: 'http://h/a', conditions: [{ not: false, etag: '"x"' }] },
      { resource: '/b', conditions: [{ not: true, etag: '"y"' }] },
    ]);
  });

  it('submits every token in it, each once', () => {
    expect(submittedTokens(parseIf('(<urn:a> Not <urn:b>) (<urn:a>)'))).toEqual(['urn:a', 'urn:b']);
  });

  it.each(['', 'x', '<urn:a>', '()', '(<urn:a>', '(<urn:a>) x', '(<>)', '(<urn:a>) </b> (<urn:b>)', '</a> </b> (<urn:b>)', '([e])', '(Not)', '(Not Not <urn:a>)', `(${'<urn:a>'.repeat(101)})`])(
    'is refused when it is %j', (header) => {
      expect(codeOf(() => parseIf(header))).toBe('invalid_header');
    });

  it('holds when all conditions of a list do', () => {
    const state = { tokens: new Set(['urn:a']), etag: '"e"' };
    const check = (header: string) => parseIf(header).map((list) => holds(list, state));
    expect(check('(<urn:a> ["e"])')).toEqual([true]);
    expect(check('(<urn:a> ["f"]) (Not <DAV:no-lock>) (Not <urn:a>) (<DAV:no-lock>)')).toEqual([false, true, false, false]);
    expect(holds(parseIf('(["e"])')[0]!, { tokens: new Set(), etag: null })).toBe(false);
  });
});
