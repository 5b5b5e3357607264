import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryEventStore } from '@kgpu/event-store';
import { RunNews } from './run-news.ts';

const runId = 'run-1-260517010000-0a0b0c0d';

class Store extends MemoryEventStore {
  isAway = false;

  override async head(): Promise<number> {
    if (this.isAway) throw new Error('the store is away');
    return super.head();
  }
}

describe('news of runs', () => {
  let facts: Store;
  let output: MemoryEventStore;
  let news: RunNews;
  beforeEach(() => {
    [facts, output] = [new Store(), new MemoryEventStore()];
    news = new RunNews(facts, output);
  });
  afterEach(async () => {
    await news.close();
    await facts.close();
    await output.close();
  });

  const listen = () => news.listen(runId, 5_000, new AbortController().signal);
  const write = (stream: string, store: MemoryEventStore, type: string) =>
    store.append(stream, [{ type, v: 1, data: {} }], { expected: 'any', commitId: stream });

  it('come of its facts and of the output of each channel, and of no other run', async () => {
    for (const [stream, store, type] of [[`run-${runId}`, facts, 'RunEnded'], [`runoutput-${runId}.stderr`, output, 'OutputWritten']] as const) {
      const { rang } = await listen();
      await write(stream, store, type);
      expect(await rang).toBe(true);
    }
    const { rang } = await news.listen(runId, 50, new AbortController().signal);
    await write('runoutput-run-1-260517010000-ffffffff.stdout', output, 'OutputWritten');
    expect(await rang).toBe(false);
  });

  it('come again after the store was away', async () => {
    facts.isAway = true;
    await expect(listen()).rejects.toThrow('the store is away');
    facts.isAway = false;
    const { rang } = await listen();
    await write(`run-${runId}`, facts, 'RunEnded');
    expect(await rang).toBe(true);
  });
});
