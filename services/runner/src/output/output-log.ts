/** The output of runs on record. Offsets are bytes from the beginning of the channel. */
import { eventCodec, outputStream, type EventData, type OutputChannel } from '@kgpu/contracts';
import type { EventStore } from '@kgpu/event-store';

export type Chunk = EventData<'OutputWritten'>;
type Recorded = Parameters<typeof eventCodec.decode>[0];

const LONGEST_PAGE = 64;

/** Where the next byte goes. */
export interface OutputEnd {
  /** Last revision of the stream; -1 when nothing is on record. */
  revision: number;
  offset: number;
  /** Bytes before it that were dropped before anybody saw them. */
  skipped: number;
}

export async function outputEnd(store: EventStore, runId: string, channel: OutputChannel): Promise<OutputEnd> {
  const [last] = await store.read(outputStream(runId, channel), { backwards: true, limit: 1, withoutBodies: true });
  if (last === undefined) return { revision: -1, offset: 0, skipped: 0 };
  const chunk = chunkOf(last);
  return { revision: last.revision, offset: chunk.offset + chunk.bytes, skipped: chunk.skipped };
}

/** Where the record begins: later than at 0 when the oldest has been taken away. Null when there is nothing. */
export async function outputStart(store: EventStore, runId: string, channel: OutputChannel): Promise<{ revision: number; offset: number } | null> {
  const [first] = await store.read(outputStream(runId, channel), { limit: 1, withoutBodies: true });
  return first === undefined ? null : { revision: first.revision, offset: chunkOf(first).offset };
}

/** The revision of the first event that holds bytes at `offset` or after it, by halving: the record may be long. */
export async function revisionOf(store: EventStore, runId: string, channel: OutputChannel, offset: number): Promise<number> {
  const stream = outputStream(runId, channel);
  let low = (await outputStart(store, runId, channel))?.revision ?? 0;
  let high = (await outputEnd(store, runId, channel)).revision + 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const [event] = await store.read(stream, { from: middle, limit: 1, withoutBodies: true });
    const chunk = event === undefined ? null : chunkOf(event);
    if (chunk !== null && chunk.offset + chunk.bytes <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

export interface OutputTail {
  text: string;
  /** Where the record ends. */
  end: number;
  /** Bytes before the end are not on record, or not any more. */
  isIncomplete: boolean;
}

/** The last `maxBytes` of a channel, as text: what is not UTF-8 is shown as replacement characters. */
export async function outputTail(store: EventStore, runId: string, channel: OutputChannel, maxBytes: number): Promise<OutputTail> {
  const { offset: end, skipped } = await outputEnd(store, runId, channel);
  const isIncomplete = skipped > 0 || ((await outputStart(store, runId, channel))?.offset ?? 0) > 0;
  const parts: Buffer[] = [];
  let bytes = 0;
  // Two chunks of a quick command are enough; of a slow one there may be thousands.
  let limit = 1;
  for (let from: number | undefined; bytes < maxBytes && (from === undefined || from >= 0);) {
    limit = Math.min(limit * 2, LONGEST_PAGE);
    const page = await store.read(outputStream(runId, channel), { backwards: true, limit, ...(from === undefined ? {} : { from }) });
    for (const event of page) {
      const part = bytesOf(event);
      parts.unshift(part);
      bytes += part.length;
      if (bytes >= maxBytes) break;
    }
    if (page.length < limit) break;
    from = page.at(-1)!.revision - 1;
  }
  return { text: wholeCharacters(Buffer.concat(parts), maxBytes), end, isIncomplete };
}

/** The bytes of a chunk that was read with its body. */
export function bytesOf(recorded: Recorded): Buffer {
  return eventCodec.decode(recorded).body!;
}

function chunkOf(recorded: Recorded): Chunk {
  return eventCodec.decode(recorded).data as Chunk;
}

/** At most the last `maxBytes`, beginning with a whole character. */
function wholeCharacters(bytes: Buffer, maxBytes: number): string {
  let start = Math.max(0, bytes.length - maxBytes);
  for (let skipped = 0; start > 0 && skipped < 3 && start < bytes.length && (bytes[start]! & 0xc0) === 0x80; skipped++) start++;
  return bytes.subarray(start).toString('utf8');
}
