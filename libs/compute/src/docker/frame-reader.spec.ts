import { describe, expect, it } from '@jest/globals';
import { CollectedOutput } from '../collected-output.ts';
import { FrameReader } from './frame-reader.ts';

function frame(kind: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header[0] = kind;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

const bytes = Buffer.concat([frame(1, Buffer.from('one')), frame(2, Buffer.from('err')), frame(1, Buffer.alloc(0)), frame(1, Buffer.from('two'))]);

describe('the frames of an engine', () => {
  it('are taken apart however the connection cuts them, out of memory that is used again', async () => {
    for (const size of [1, 3, 8, 11, 100]) {
      const said = new CollectedOutput();
      const frames = new FrameReader(said);
      const memory = Buffer.alloc(size);
      for (let at = 0; at < bytes.length; at += size) await frames.take(memory.subarray(0, bytes.copy(memory, 0, at, at + size)));
      expect([said.out, said.err].map(String)).toEqual(['onetwo', 'err']);
    }
  });

  it('wait for a taker that holds its bytes', async () => {
    const taken: string[] = [];
    let letGo = () => {};
    const take = (payload: Buffer) => {
      taken.push(payload.toString());
      return new Promise<void>((resolve) => (letGo = resolve));
    };
    const reading = new FrameReader({ stdout: take, stderr: take }).take(bytes);
    for (const upTo of [['one'], ['one', 'err'], ['one', 'err', 'two']]) {
      await Promise.resolve();
      expect(taken).toEqual(upTo);
      letGo();
      await new Promise(setImmediate);
    }
    await reading;
  });

  it('are handed out no more when they are stopped', async () => {
    const taken: string[] = [];
    const frames = new FrameReader({
      stdout: async (payload) => {
        taken.push(payload.toString());
        frames.stop();
      },
      stderr: (payload) => void taken.push(payload.toString()),
    });
    await frames.take(bytes);
    expect(taken).toEqual(['one']);
  });
});
