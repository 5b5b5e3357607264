import { CancelReplay, ReadReplay, StartReplay, type ReplayBody } from '@kgpu/contracts';
import type { Asker, Parts } from '../http/parts.ts';
import { workLines } from '../http/work-lines.ts';

/** A replay as lines of JSON. */
export async function replayLines(parts: Parts, asker: Asker, body: ReplayBody): Promise<(signal: AbortSignal) => AsyncGenerator<string>> {
  const replay = await parts.ask(StartReplay, body, asker);
  return (signal) => workLines({ read: () => parts.ask(ReadReplay, replay, asker), cancel: () => parts.ask(CancelReplay, replay, asker) }, signal);
}
