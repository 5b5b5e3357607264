import { EndRental, eventCodec, readConfig } from '@kgpu/contracts';
import type { EventStore } from '@kgpu/event-store';
import { ClockAlarm, openEngine, type Engine } from '@kgpu/ledger/testing';
import { createLog, openClock, type Bus } from '@kgpu/runtime';
import { join } from 'node:path';

/** The ledger on a store, without a bus: rentals that it returns are recorded as ended. Saves a snapshot when it closes. */
export async function openLedger(folder: string, store: EventStore, idleReturn = '1000d'): Promise<Engine> {
  const config = readConfig({ KGPU_DATA_DIR: folder, KGPU_IDLE_RETURN: idleReturn, KGPU_LOG_LEVEL: 'silent' });
  const clock = openClock(join(folder, 'clock.json'), 1);
  const bus: Bus = {
    ping: async () => 0,
    async ask(message, request) {
      const { gpu_id, reason, at } = EndRental.request.parse(request);
      const data = { gpu_id, user_id: Number(gpu_id.split('-')[1]), reason, message: null, at: at! };
      const { position } = await store.append(`rental-${gpu_id}`, [eventCodec.encode({ type: 'RentalEnded', data })], { expected: 'any', commitId: 'end' });
      return message.reply.parse({ rental: {}, position }) as never;
    },
  };
  const log = createLog('silent');
  return openEngine({ config, clock, log, store, bus }, new ClockAlarm(clock));
}
