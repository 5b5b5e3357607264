import { describe, expect, it } from '@jest/globals';
import { chunksOf, partsOf, type Cut } from './body-parts.ts';
import { MeasuredBody } from './measured-body.ts';

async function cut(text: string, options: Cut): Promise<[number, string][]> {
  const parts: [number, string][] = [];
  for await (const { chunks, size } of partsOf(new MeasuredBody(chunksOf(text.match(/.{1,4}/g)?.map((piece) => Buffer.from(piece)) ?? [])), options)) {
    let content = '';
    for await (const chunk of chunks) content += Buffer.from(chunk).toString();
    parts.push([size, content]);
  }
  return parts;
}

describe('the parts of a body', () => {
  it.each([26, null])('are of one size, and the last is what is left (announced: %s)', async (size) => {
    expect(await cut('abcdefghijklmnopqrstuvwxyz', { partBytes: 10, size })).toEqual([[10, 'abcdefghij'], [10, 'klmnopqrst'], [6, 'uvwxyz']]);
  });

  it('begin with what has been read already', async () => {
    expect(await cut('cdefg', { partBytes: 3, size: null, first: [Buffer.from('a'), Buffer.from('b')] })).toEqual([[3, 'abc'], [3, 'def'], [1, 'g']]);
  });

  it('end where a body of unknown length ends, be it between two parts', async () => {
    expect(await cut('abcdef', { partBytes: 3, size: null })).toEqual([[3, 'abc'], [3, 'def']]);
  });

  it('of a body that is longer than announced are no upload', async () => {
    await expect(cut('abcdefgh', { partBytes: 3, size: 7 })).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('of a body that is shorter than announced are too short, which the store refuses', async () => {
    expect(await cut('abcd', { partBytes: 3, size: 6 })).toEqual([[3, 'abc'], [3, 'd']]);
  });
});
