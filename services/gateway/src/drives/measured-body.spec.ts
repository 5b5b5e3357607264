import { describe, expect, it } from '@jest/globals';
import { bytesIn, MeasuredBody } from './measured-body.ts';

async function* bodyOf(...chunks: string[]): AsyncGenerator<Uint8Array, void, void> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}
const text = (chunks: readonly Uint8Array[]) => Buffer.concat(chunks).toString();

describe('a measured body', () => {
  it('is cut into parts wherever its chunks end', async () => {
    const body = new MeasuredBody(bodyOf('abc', '', 'de', 'fghij'));
    expect(text(await body.collect(2))).toBe('ab');
    expect(text(await body.collect(4))).toBe('cdef');
    expect(await body.isEmpty()).toBe(false);
    const last = await body.collect(100);
    expect([text(last), bytesIn(last)]).toEqual(['ghij', 4]);
    expect(await body.isEmpty()).toBe(true);
    expect(await body.collect(1)).toEqual([]);
  });

  it('passes a part on as it comes', async () => {
    const body = new MeasuredBody(bodyOf('abc', 'def'));
    const pieces: string[] = [];
    for await (const piece of body.take(5)) pieces.push(Buffer.from(piece).toString());
    expect(pieces).toEqual(['abc', 'de']);
    expect(text(await body.collect(5))).toBe('f');
  });
});
