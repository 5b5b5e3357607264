/**
 * The output of runs on record: one stream of events per run and channel, `runoutput-<run_id>.stdout` and `….stderr`, since the
 * order between the two is not defined. Offsets are bytes from the beginning of the channel.
 */
import { eventCodec, type EventData } from '@kgpu/contracts';
import type { EventStore } from '@kgpu/event-store';

export type Channel = 'stdout' | 'stderr';
export type Chunk = EventData<'OutputWritten'>;

const PAGE = 50;

export function outputStream(runId: string, channel: Channel): string {
  return `runoutput-${runId}.${channel}`;
}

/** Where the next byte goes. */
export interface OutputEnd {
  /** Last revision of the stream; -1 when nothing is on record. */
  revision: number;
  offset: number;
}

export async function outputEnd(store: EventStore, runId: string, channel: Channel): Promise<OutputEnd> {
  const [last] = await store.read(outputStream(runId, channel), { backwards: true, limit: 1 });
  if (last === undefined) return { revision: -1, offset: 0 };
  const chunk = chunkOf(last);
  return { revision: last.revision, offset: chunk.offset + chunk.bytes };
}

/** The last `maxBytes` of a channel, as text: what is not UTF-8 is shown as replacement characters. */
export async function outputTail(store: EventStore, runId: string, channel: Channel, maxBytes: number): Promise<{ text: string; end: number }> {
  const parts: Buffer[] = [];
  let bytes = 0;
  let end = 0;
  for (let from: number | undefined; from === undefined || from >= 0;) {
    const page = await store.read(outputStream(runId, channel), { backwards: true, limit: PAGE, ...(from === undefined ? {} : { from }) });
    for (const event of page) {
      const chunk = chunkOf(event);
      if (parts.length === 0) end = chunk.offset + chunk.bytes;
      const part = bytesOf(chunk);
      parts.unshift(part);
      bytes += part.length;
      if (bytes >= maxBytes) break;
    }
    if (bytes >= maxBytes || page.length < PAGE) break;
    from = page.at(-1)!.revision - 1;
  }
  return { text: wholeCharacters(Buffer.concat(parts), maxBytes), end };
}

export function bytesOf(chunk: Chunk): Buffer {
  return chunk.text === undefined ? Buffer.from(chunk.base64 ?? '', 'base64') : Buffer.from(chunk.text);
}

function chunkOf(recorded: Parameters<typeof eventCodec.decode>[0]): Chunk {
  return eventCodec.decode(recorded).data as Chunk;
}

/** At most the last `maxBytes`, beginning with a whole character. */
function wholeCharacters(bytes: Buffer, maxBytes: number): string {
  let start = Math.max(0, bytes.length - maxBytes);
  for (let skipped = 0; start > 0 && skipped < 3 && start < bytes.length && (bytes[start]! & 0xc0) === 0x80; skipped++) start++;
  return bytes.subarray(start).toString('utf8');
}
