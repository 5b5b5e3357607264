import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { streamMultistatus, takesGzip } from './multistatus.ts';

async function* pages(...texts: string[]): AsyncGenerator<string> {
  yield* texts;
}

async function bytes(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('a multistatus that is made while it is sent', () => {
  it('is whole, packed or not', async () => {
    const plain = (await bytes(streamMultistatus('<a/>', pages('<b/>', '<c/>'), false))).toString();
    expect(plain).toMatch(/^<\?xml [^>]+>\n<D:multistatus xmlns:D="DAV:">\n<a\/><b\/><c\/><\/D:multistatus>$/);
    expect(gunzipSync(await bytes(streamMultistatus('<a/>', pages('<b/>', '<c/>'), true))).toString()).toBe(plain);
  });

  it.each([false, true])('breaks off where a page can not be had (packed: %s), and is never short in silence', async (gzip) => {
    async function* broken(): AsyncGenerator<string> {
      yield '<b/>';
      throw new Error('the store is away');
    }
    await expect(bytes(streamMultistatus('<a/>', broken(), gzip))).rejects.toThrow('the store is away');
  });
});

describe('gzip', () => {
  it('is for those who say that they take it', () => {
    expect(['gzip', 'deflate, gzip;q=0.5', '*', 'GZIP;q=1.0'].map(takesGzip)).toEqual([true, true, true, true]);
    expect([undefined, '', 'identity', 'gzip;q=0', 'deflate', 'gzip; q=0.0'].map(takesGzip)).toEqual([false, false, false, false, false, false]);
  });
});
