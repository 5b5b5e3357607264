import { expect, it } from '@jest/globals';
import { eventCodec, outputChannels, outputStream, type OutputChannel } from '@kgpu/contracts';
import { MemoryEventStore } from '@kgpu/event-store';
import { BothReader } from './both-reader.ts';
import { ChannelReader } from './recorded-output.ts';

const runId = 'run-1-260517010000-0a0b0c0d';

/** Appends to one channel or the other behind every look at the record, as a command does that writes while somebody reads. */
class BusyStore extends MemoryEventStore {
  written = 0;

  async write(channel: OutputChannel): Promise<void> {
    const data = { stream: channel, offset: this.written, bytes: 1, skipped: 0 };
    await this.append(outputStream(runId, channel), [eventCodec.encode({ type: 'OutputWritten', data, body: Buffer.from('x') })], { expected: 'any', commitId: `${this.written++}` });
  }

  override async read(...given: Parameters<MemoryEventStore['read']>) {
    const found = await super.read(...given);
    for (let n = 0; n < 2 && this.written < 400; n++) await this.write(outputChannels[(this.written * 7) % 5 < 2 ? 1 : 0]);
    return found;
  }
}

it('reads both channels in the order of the record, also what is written between two looks', async () => {
  const store = new BusyStore();
  const both = new BothReader(store, outputChannels.map((channel) => new ChannelReader(store, runId, channel)));
  const positions: number[] = [];
  while (positions.length < 400) {
    const piece = await both.next();
    if (piece !== null) positions.push(piece.position);
  }
  expect(positions).toEqual(Array.from({ length: 400 }, (_, n) => n + 1));
  expect(await both.next()).toBeNull();
  await store.close();
});

it('looks at a silent channel seldom while the other one is read', async () => {
  const store = new BusyStore();
  for (let n = 0; n < 400; n++) await store.write('stdout');
  let looks = 0;
  const read = store.read.bind(store);
  store.read = async (...given) => {
    looks++;
    return read(...given);
  };
  const both = new BothReader(store, outputChannels.map((channel) => new ChannelReader(store, runId, channel)));
  while (await both.next());
  expect(looks).toBeLessThan(420);
  await store.close();
});
