import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { FrameReader } from './frame-reader.ts';

function frame(kind: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header[0] = kind;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

describe('the frames of an engine', () => {
  it('are taken apart however the connection cuts them', async () => {
    const bytes = Buffer.concat([frame(1, Buffer.from('one')), frame(2, Buffer.from('err')), frame(1, Buffer.alloc(0)), frame(1, Buffer.from('two'))]);
    for (const size of [1, 3, 8, 11, 100]) {
      const connection = new PassThrough();
      const frames = new FrameReader();
      void frames.read(connection, bytes.subarray(0, 2));
      for (let at = 2; at < bytes.length; at += size) connection.write(bytes.subarray(at, at + size));
      connection.end();
      expect((await Promise.all([buffer(frames.stdout), buffer(frames.stderr)])).map(String)).toEqual(['onetwo', 'err']);
    }
  });

  it('wait for their reader', async () => {
    const connection = new PassThrough({ highWaterMark: 1_024 });
    const frames = new FrameReader();
    void frames.read(connection);
    let written = 0;
    const some = frame(1, Buffer.alloc(10_000));
    while (connection.write(some) || (await Promise.race([once(connection, 'drain').then(() => true), new Promise((resolve) => setTimeout(resolve, 50, false))]))) {
      written += 1;
      if (written > 100) break;
    }
    expect(written).toBeLessThan(20);
    frames.stdout.resume();
    await once(connection, 'drain');
    connection.destroy();
  });

  it('end when the connection is cut', async () => {
    const connection = new PassThrough();
    const frames = new FrameReader();
    const read = frames.read(connection, frame(1, Buffer.from('whole')).subarray(0, 10));
    connection.destroy(new Error('cut'));
    await read;
    expect(String(await buffer(frames.stdout))).toBe('wh');
  });
});
