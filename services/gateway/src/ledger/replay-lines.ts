import { CancelReplay, ReadReplay, StartReplay, type ReplayBody } from '@kgpu/contracts';
import type { Asker, Parts } from '../http/parts.ts';
import { lines } from './pages.ts';

/** A replay as lines of JSON. One whose reader has gone is stopped: it would be work for nobody. */
export async function replayLines(parts: Parts, asker: Asker, body: ReplayBody): Promise<(signal: AbortSignal) => AsyncGenerator<string>> {
  const { replay_id } = await parts.ask(StartReplay, body, asker);
  return async function* (signal) {
    let isDone = false;
    try {
      while (!isDone && !signal.aborted) {
        const read = await parts.ask(ReadReplay, { replay_id }, asker);
        isDone = read.done;
        if (read.lines.length > 0) yield lines(read.lines);
      }
    } finally {
      // A ledger that doesn't answer now forgets a replay that nobody reads by itself.
      if (!isDone) await parts.ask(CancelReplay, { replay_id }, asker).catch(() => undefined);
    }
  };
}
