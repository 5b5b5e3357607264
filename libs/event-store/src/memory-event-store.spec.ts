import { eventStoreContract } from './event-store.contract.ts';
import { MemoryEventStore, MemoryLog } from './memory-event-store.ts';

eventStoreContract('memory', async () => {
  const log = new MemoryLog();
  const stores: MemoryEventStore[] = [];
  const reopen = async (): Promise<MemoryEventStore> => {
    stores.push(new MemoryEventStore(log));
    return stores.at(-1)!;
  };
  return {
    store: await reopen(),
    reopen,
    lose: async (stream, revision) => {
      log.entries = log.entries.filter((entry) => entry.stream !== stream || entry.revision !== revision);
    },
    close: async () => void (await Promise.all(stores.map((store) => store.close()))),
  };
});
