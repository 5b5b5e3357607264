import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { MarkedLine } from './marked-line.ts';

const nonce = 'a1'.repeat(16);

/** Pushes the text in pieces and tells what came out. */
function through(pieces: readonly Buffer[]): { before: Buffer; words: string[] | null; after: Buffer } {
  const line = new MarkedLine(nonce);
  const before: Buffer[] = pieces.map((piece) => (line.words === null ? line.push(piece) : Buffer.alloc(0)));
  if (line.words === null) before.push(line.rest());
  return { before: Buffer.concat(before), words: line.words, after: line.after };
}

describe('the marked line', () => {
  it('is found however the stream is cut', () => {
    const text = Buffer.from(`out\x1eput\x1e${nonce}\x1e${nonce} exit 0 1.5\nrest`);
    for (let cut = 0; cut <= text.length; cut++) {
      const { before, words } = through([text.subarray(0, cut), text.subarray(cut)]);
      expect(before.toString()).toBe(`out\x1eput\x1e${nonce}`);
      expect(words).toEqual(['exit', '0', '1.5']);
    }
  });

  it('never swallows bytes that are none', () => {
    const piece = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constantFrom('\x1e', `\x1e${nonce}`, nonce, ' ', '\n').map((text) => Buffer.from(text)));
    fc.assert(fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const all = Buffer.concat(pieces);
      fc.pre(!all.includes(`\x1e${nonce} `));
      expect(through(pieces.map((each) => Buffer.from(each))).before.equals(all)).toBe(true);
    }));
  });

  it('gives bytes on at once, unless they may be its beginning', () => {
    const line = new MarkedLine(nonce);
    expect(line.push(Buffer.from('prompt> ')).toString()).toBe('prompt> ');
    expect(line.push(Buffer.from('a\x1ea1')).toString()).toBe('a');
    expect(line.push(Buffer.from('!')).toString()).toBe('\x1ea1!');
  });

  it('is not taken for one when no line end follows: memory stays bounded', () => {
    const line = new MarkedLine(nonce);
    const fake = Buffer.from(`\x1e${nonce} ${'x'.repeat(600)}`);
    expect(line.push(fake).equals(fake)).toBe(true);
  });
});
