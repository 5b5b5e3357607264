import { describe, expect, it } from '@jest/globals';
import { toCsv } from './csv.ts';

describe('rows as CSV', () => {
  it('begin with the names of the columns and end every line with CRLF', () => {
    expect(toCsv(['a', 'b'], [{ a: 1, b: 'x' }, { a: null }])).toBe('a,b\r\n1,x\r\n,\r\n');
  });

  it('quote what would break a line or a cell', () => {
    expect(toCsv(['a'], [{ a: 'one, "two"\nthree' }])).toBe('a\r\n"one, ""two""\nthree"\r\n');
  });

  it('hold no formula that a spreadsheet would run', () => {
    expect(toCsv(['a', 'b'], [{ a: '=HYPERLINK("x")', b: '-1+2' }, { a: '@x', b: -5 }])).toBe('a,b\r\n"\'=HYPERLINK(""x"")",\'-1+2\r\n\'@x,-5\r\n');
  });

  it('write lists as words', () => {
    expect(toCsv(['a'], [{ a: ['x', 'y'] }])).toBe('a\r\nx y\r\n');
  });
});
