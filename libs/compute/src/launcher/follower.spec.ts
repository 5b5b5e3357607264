import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import type { ExecSession, OutputTakers } from '../compute.ts';
import { Follower } from './follower.ts';
import type { RunHandlers, RunStream } from './run-channel.ts';

const nonce = 'ab'.repeat(16);
const marked = (words: string) => Buffer.from(`\x1e${nonce} ${words}\n`);
const head = marked('head 0 0 7 1.5 2.5');
const trailer = marked('exit 3 2.0 0 0 2.5');

/** A session whose bytes come in the order that a case wants, out of memory that is overwritten after each. */
class ScriptedSession implements ExecSession {
  readonly stdin = new PassThrough().resume();
  readonly exit: Promise<number | null>;
  isClosed = false;

  constructor(readonly script: [RunStream, Buffer][], exitCode: number | null) {
    this.exit = Promise.resolve(exitCode);
  }

  async read(takers: OutputTakers): Promise<void> {
    for (const [channel, bytes] of this.script) {
      if (this.isClosed) return;
      const lent = Buffer.from(bytes);
      await takers[channel](lent);
      lent.fill('?');
    }
  }

  close(): void {
    this.isClosed = true;
  }
}

async function follow(script: [RunStream, Buffer][], change: Partial<RunHandlers> = {}, exitCode: number | null = null) {
  const said = { stdout: '', stderr: '' };
  const onOutput = (stream: RunStream, _offset: number, bytes: Buffer) => void (said[stream] += bytes.toString());
  const session = new ScriptedSession(script, exitCode);
  const end = await new Follower(session, nonce, { stdout: 0, stderr: 0 }, { onOutput, ...change }, () => {}).end();
  return { ...said, end, session };
}

describe('a follower', () => {
  it('keeps what overtakes the head on the other channel', async () => {
    const { stdout, stderr, end } = await follow([
      ['stderr', Buffer.from('early ')], ['stdout', head.subarray(0, 5)], ['stderr', Buffer.from('and more')], ['stdout', head.subarray(5)],
      ['stdout', Buffer.from('out')], ['stderr', trailer], ['stdout', trailer],
    ]);
    expect([stdout, stderr]).toEqual(['out', 'early and more']);
    expect(end).toMatchObject({ outcome: 'exited', exitCode: 3 });
  });

  it('is cut when more overtakes it than is kept: it is followed anew', async () => {
    const flood = Array.from({ length: 20 }, (): [RunStream, Buffer] => ['stderr', Buffer.alloc(65_536, 'e')]);
    const { end, session } = await follow([...flood, ['stdout', head], ['stdout', trailer], ['stderr', trailer]]);
    expect(end.outcome).toBe('cut');
    expect(session.isClosed).toBe(true);
  });

  it('hands over in order while somebody takes time for the start', async () => {
    const { stdout, stderr } = await follow(
      [['stdout', Buffer.concat([head, Buffer.from('one ')])], ['stderr', Buffer.from('err')], ['stdout', Buffer.from('two')], ['stdout', trailer], ['stderr', trailer]],
      { onStarted: () => new Promise((resolve) => setImmediate(resolve)) },
    );
    expect([stdout, stderr]).toEqual(['one two', 'err']);
  });

  it('lets go when both trailers have come, whatever comes after', async () => {
    const { stdout, session } = await follow([['stdout', Buffer.concat([head, trailer])], ['stderr', trailer], ['stdout', Buffer.from('late')]]);
    expect([stdout, session.isClosed]).toEqual(['', true]);
  });

  it('tells an image without a shell from a container that is being destroyed', async () => {
    const failure = 'OCI runtime exec failed: exec failed: unable to start container process: exec: "/bin/sh": stat /bin/sh: no such file or directory: unknown';
    const { end } = await follow([['stdout', Buffer.from(`${failure}\r\n`)]], {}, 127);
    expect(end).toEqual({ outcome: 'not_started', why: 'image_without_shell', exitCode: 127, message: failure });
    for (const said of ['task cda5 not found: not found', 'OCI runtime exec failed: open /proc/7/ns/mnt: no such file or directory: unknown', '']) {
      expect((await follow([['stdout', Buffer.from(said)]], {}, 126)).end.outcome).toBe('cut');
    }
  });

  it('throws what a handler throws', async () => {
    const failing = follow([['stdout', head], ['stdout', Buffer.from('x')]], { onOutput: () => { throw new Error('not taken'); } });
    await expect(failing).rejects.toThrow('not taken');
  });
});
