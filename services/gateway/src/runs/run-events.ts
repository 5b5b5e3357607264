/**
 * A run as Server-Sent Events: `started`, `output`, `ended`. The id of an event says how far a client is that has it: the
 * stage and the bytes of each channel. It holds nothing of how or where the record is kept, so it survives everything.
 */
import { outputChannels, type OutputChannel } from '@kgpu/contracts';
import type { EventStore } from '@kgpu/event-store';
import { heartbeat, HEARTBEAT_MS, sentEvent } from '../http/server-sent-events.ts';
import { BothReader } from './both-reader.ts';
import { ChannelReader, type Piece } from './recorded-output.ts';
import { readLife, type RunLife } from './run-life.ts';
import type { RunNews } from './run-news.ts';
import { WholeCharacters, type TextPart } from './whole-characters.ts';

/** So much output is in one event: a follower that doesn't read holds one, as text, as JSON and as bytes. */
const LONGEST_EVENT_BYTES = 16_384;

/** How far somebody is. */
export interface Place {
  /** 0: knows nothing; 1: knows that it started; 2: knows that it ended. */
  stage: number;
  stdout: number;
  stderr: number;
}

/** Of somebody who begins. */
export const beginning: Place = { stage: 0, stdout: 0, stderr: 0 };

export function parsePlace(id: string): Place | null {
  const [, stage, stdout, stderr] = /^([012])-(\d{1,15})-(\d{1,15})$/.exec(id) ?? [];
  return stage === undefined ? null : { stage: Number(stage), stdout: Number(stdout), stderr: Number(stderr) };
}

export class RunEvents {
  constructor(
    private readonly store: EventStore,
    private readonly expiring: EventStore,
    private readonly news: RunNews,
  ) {}

  /** Everything after `place`, old and new, until the end of the run. */
  async *follow(runId: string, place: Place, signal: AbortSignal): AsyncGenerator<string> {
    if (place.stage === 2) return;
    const output = new BothReader(this.expiring, outputChannels.map((channel) => new ChannelReader(this.expiring, runId, channel, place[channel])));
    try {
      yield* this.#events(runId, place, output, signal);
    } finally {
      output.close();
    }
  }

  async *#events(runId: string, place: Place, output: BothReader, signal: AbortSignal): AsyncGenerator<string> {
    const at = { ...place };
    const texts = { stdout: new WholeCharacters(place.stdout), stderr: new WholeCharacters(place.stderr) };
    const outputEvents = (channel: OutputChannel, parts: TextPart[]): string => parts.map(({ offset, end, text }) => {
      at[channel] = end;
      return sentEvent({ id: idOf(at), event: 'output', data: { stream: channel, offset, text } });
    }).join('');

    while (!signal.aborted) {
      const { rang } = await this.news.listen(runId, HEARTBEAT_MS, signal);
      const life = await readLife(this.store, runId);
      if (life === null) return;
      if (at.stage === 0 && life.started !== null) {
        at.stage = 1;
        yield startedEvent(idOf(at), life.started);
      }
      // Output that is on record before the start is: it comes after it.
      if (at.stage === 1 || life.ended !== null) {
        for (let piece = await output.next(); piece !== null; piece = await output.next()) {
          for (const { offset, bytes } of partsOf(piece)) {
            const sent = outputEvents(piece.channel, texts[piece.channel].push(offset, bytes));
            if (sent !== '') yield sent;
            if (signal.aborted) return;
          }
        }
      }
      if (life.ended !== null) {
        const rest = outputChannels.map((channel) => outputEvents(channel, texts[channel].flush())).join('');
        at.stage = 2;
        yield rest + endedEvent(idOf(at), life.ended);
        return;
      }
      if (!(await rang) && !signal.aborted) yield heartbeat;
    }
  }
}

/** Cut at the same offsets for everybody, so that who comes back gets the events that the others got. */
function* partsOf({ offset, bytes }: Piece): Generator<{ offset: number; bytes: Buffer }> {
  for (let from = 0; from < bytes.length;) {
    const to = from + LONGEST_EVENT_BYTES - ((offset + from) % LONGEST_EVENT_BYTES);
    yield { offset: offset + from, bytes: bytes.subarray(from, to) };
    from = to;
  }
}

function idOf({ stage, stdout, stderr }: Place): string {
  return `${stage}-${stdout}-${stderr}`;
}

function startedEvent(id: string, { run_id, gpu_id, pid, at }: NonNullable<RunLife['started']>): string {
  return sentEvent({ id, event: 'started', data: { run_id, gpu_id, pid, started_at: at } });
}

function endedEvent(id: string, { user_id: _owner, at, ...end }: NonNullable<RunLife['ended']>): string {
  const phase = end.exit_code === 0 && end.reason === null ? 'Succeeded' : 'Failed';
  return sentEvent({ id, event: 'ended', data: { ...end, phase, completed_at: at } });
}
