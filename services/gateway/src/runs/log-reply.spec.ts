import { describe, expect, it } from '@jest/globals';
import { logReply } from './log-reply.ts';

const ended = { isRunning: false, isTruncated: false };
const running = { isRunning: true, isTruncated: false };

describe('the reply to a request for logs', () => {
  it('is the whole of a run that has ended, with its length', () => {
    expect(logReply({ ...ended, size: 10, follow: false, range: undefined })).toMatchObject({ status: 200, from: 0, to: 10, headers: { 'content-length': '10', 'accept-ranges': 'bytes' } });
  });

  it('is what is there of a run that goes on, or with follow everything until its end', () => {
    expect(logReply({ ...running, size: 10, follow: false, range: undefined }).headers).not.toHaveProperty('content-length');
    expect(logReply({ ...running, size: 10, follow: true, range: undefined })).toMatchObject({ status: 200, from: 0, to: null });
  });

  it('is a range, of a length that is told', () => {
    expect(logReply({ ...ended, size: 10, follow: false, range: 'bytes=2-4' })).toMatchObject({ status: 206, from: 2, to: 5, headers: { 'content-range': 'bytes 2-4/10', 'content-length': '3' } });
    expect(logReply({ ...running, size: 10, follow: true, range: 'bytes=2-4' })).toMatchObject({ status: 206, from: 2, to: 5, headers: { 'content-range': 'bytes 2-4/*' } });
    expect(() => logReply({ ...ended, size: 10, follow: true, range: 'bytes=10-' })).toThrow('There are 10 bytes.');
  });

  it('goes on from a byte, also from one that is not there yet', () => {
    expect(logReply({ ...running, size: 10, follow: true, range: 'bytes=12-' })).toMatchObject({ status: 206, from: 12, to: null });
    expect(logReply({ ...running, size: 10, follow: true, range: 'bytes=-4' })).toMatchObject({ status: 206, from: 6, to: null });
  });

  it('has no ranges where bytes were dropped', () => {
    const reply = logReply({ ...ended, isTruncated: true, size: 10, follow: false, range: 'bytes=2-4' });
    expect(reply).toMatchObject({ status: 200, from: 0, to: 10, headers: { 'accept-ranges': 'none' } });
    expect(reply.headers).not.toHaveProperty('content-length');
  });
});
