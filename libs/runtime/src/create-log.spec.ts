import { describe, expect, it } from '@jest/globals';
import { Writable } from 'node:stream';
import { createLog } from './create-log.ts';
import { readTraceparent, withTrace } from './trace.ts';

const token = `kgpu_${'0a'.repeat(24)}`;

function recorder() {
  const lines: string[] = [];
  const log = createLog('info', new Writable({ write: (line: Buffer, _encoding, done) => (lines.push(line.toString()), done()) }));
  return { log, lines, last: () => JSON.parse(lines.at(-1)!) as Record<string, unknown> };
}

describe('the log', () => {
  it('never shows a credential, under whatever name it comes', () => {
    const { log, lines } = recorder();
    log.info({ authorization: 'Bearer abc-1', token: 'abc-2', cookie: 'abc-3', headers: { authorization: 'abc-4', cookie: 'abc-5' }, user: { password: 'abc-6' } }, 'x');
    log.info({ req: { headers: { authorization: 'Basic abc-7' } } }, 'x');
    log.error(new Error(`no such token ${token}`));
    expect(lines).toHaveLength(3);
    expect(lines.join('')).not.toMatch(/abc-\d|0a0a/);
  });

  it('never shows the signature of a URL', () => {
    const { log, lines } = recorder();
    log.info('GET https://s3/bucket/key?X-Amz-Credential=AKIA%2Fx&X-Amz-Signature=abc1&part=2 and /f?sig=abc2');
    expect(lines[0]).toContain('key?X-Amz-Credential=…&X-Amz-Signature=…&part=2 and /f?sig=…');
  });

  it('says the request in every line of a child, and the trace that it is part of', () => {
    const { log, last } = recorder();
    withTrace('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', () => log.child({ request_id: 'r-1' }).info('done'));
    expect(last()).toMatchObject({ msg: 'done', request_id: 'r-1', trace_id: '4bf92f3577b34da6a3ce929d0e0e4736' });
  });
});

describe('a traceparent', () => {
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

  it('is carried on when it is one, of a later version too', () => {
    for (const header of [`00-${trace}`, `01-${trace}-what-comes-later`]) expect(readTraceparent(header)).toBe(header);
  });

  it('is left out when it is none', () => {
    const wrong = [undefined, '', `ff-${trace}`, `00-${trace}-more`, `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, `00-${trace}`.toUpperCase(), `01-${trace}-${'x'.repeat(300)}`, [`00-${trace}`]];
    expect(wrong.map(readTraceparent)).toEqual(wrong.map(() => undefined));
  });
});
