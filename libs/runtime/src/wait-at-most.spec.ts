import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { waitAtMost } from './wait-at-most.ts';

const untilOver = async (signal: AbortSignal) => void (await once(signal, 'abort'));

describe('waiting for news', () => {
  it('ends with its time, or when there is news', async () => {
    const { signal } = new AbortController();
    await waitAtMost(0.01, signal, untilOver);
    await waitAtMost(60, signal, async () => {});
  });

  it('ends when the process begins to end, and does not begin after that', async () => {
    const process = new AbortController();
    const waiting = waitAtMost(60, process.signal, untilOver);
    process.abort();
    await waiting;
    await waitAtMost(60, process.signal, () => Promise.reject(new Error('waited')));
  });

  it('does nothing for no seconds', async () => {
    await waitAtMost(0, new AbortController().signal, () => Promise.reject(new Error('waited')));
    expect.assertions(0);
  });
});
