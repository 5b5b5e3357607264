import { describe, expect, it } from '@jest/globals';
import { logReply } from './log-reply.ts';

const extent = { begin: 0, end: 10, size: 10, hasGaps: false };
const ended = { isRunning: false, extent };
const running = { isRunning: true, extent };

describe('the reply to a request for logs', () => {
  it('is the whole of a run that has ended, with its length', () => {
    expect(logReply({ ...ended, follow: true, range: undefined })).toMatchObject({ status: 200, from: null, to: null, follow: false, headers: { 'content-length': '10', 'accept-ranges': 'bytes' } });
  });

  it('is what is there of a run that goes on, or with follow everything until its end', () => {
    const now = logReply({ ...running, follow: false, range: undefined });
    expect(now).toMatchObject({ status: 200, from: null, follow: false });
    expect(now.headers).not.toHaveProperty('content-length');
    expect(logReply({ ...running, follow: true, range: undefined })).toMatchObject({ status: 200, from: null, to: null, follow: true });
  });

  it('is a range, of a length that is told', () => {
    expect(logReply({ ...ended, follow: false, range: 'bytes=2-4' })).toMatchObject({ status: 206, from: 2, to: 5, headers: { 'content-range': 'bytes 2-4/10', 'content-length': '3' } });
    expect(logReply({ ...running, follow: true, range: 'bytes=2-4' })).toMatchObject({ status: 206, from: 2, to: 5, follow: false, headers: { 'content-range': 'bytes 2-4/*' } });
    expect(() => logReply({ ...ended, follow: true, range: 'bytes=10-' })).toThrow('There are 10 bytes.');
  });

  it('goes on from a byte, also from one that is not there yet', () => {
    expect(logReply({ ...running, follow: true, range: 'bytes=12-' })).toMatchObject({ status: 206, from: 12, to: null, follow: true });
    expect(logReply({ ...running, follow: true, range: 'bytes=-4' })).toMatchObject({ status: 206, from: 6, to: null, follow: true });
  });

  it('says where it begins when the oldest bytes are gone', () => {
    const rest = { begin: 6, end: 10, size: 10, hasGaps: false };
    const whole = logReply({ ...ended, extent: rest, follow: false, range: undefined });
    expect(whole).toMatchObject({ status: 200, from: null, headers: { 'accept-ranges': 'bytes' } });
    expect(whole.headers).not.toHaveProperty('content-length');
    expect(logReply({ ...ended, extent: rest, follow: false, range: 'bytes=2-8' })).toMatchObject({ status: 206, from: 6, to: 9, headers: { 'content-range': 'bytes 6-8/10', 'content-length': '3' } });
    expect(logReply({ ...ended, extent: rest, follow: false, range: 'bytes=-99' })).toMatchObject({ status: 206, from: 6, to: 10 });
    expect(() => logReply({ ...ended, extent: rest, follow: false, range: 'bytes=2-5' })).toThrow('These bytes were dropped; what is left goes on at 6, of 10.');
    expect(logReply({ ...running, extent: rest, follow: true, range: 'bytes=2-' })).toMatchObject({ status: 206, from: 6, headers: { 'content-range': expect.stringMatching(/^bytes 6-/) } });
  });

  it('ends before a gap', () => {
    const stretch = { begin: 2, end: 5, size: 10, hasGaps: false };
    expect(logReply({ ...ended, extent: stretch, follow: false, range: 'bytes=1-8' })).toMatchObject({ status: 206, from: 2, to: 5, headers: { 'content-range': 'bytes 2-4/10' } });
  });

  it('has no ranges between gaps of which nobody knows where they are', () => {
    const reply = logReply({ ...ended, extent: { ...extent, hasGaps: true }, follow: false, range: 'bytes=2-4' });
    expect(reply).toMatchObject({ status: 200, from: null, headers: { 'accept-ranges': 'none' } });
    expect(reply.headers).not.toHaveProperty('content-length');
  });
});
