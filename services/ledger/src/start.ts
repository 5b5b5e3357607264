import { startBusService, type RunningService, type ServiceContext } from '@kgpu/runtime';
import { ClockAlarm } from './deadlines/alarm.ts';
import { openEngine } from './engine.ts';
import { LedgerModule } from './ledger.module.ts';
import { Replays } from './replay/replays.ts';

/** Starts the ledger: its view of the log first, then its answers, then what it does by itself. */
export async function start(context: ServiceContext): Promise<RunningService> {
  const engine = await openEngine(context, new ClockAlarm(context.clock));
  const { ledger } = engine;
  context.health.add('ledger', async () => {
    if (ledger.projection.halted !== null) throw ledger.projection.halted;
  });
  const replays = new Replays();
  try {
    const service = await startBusService({ context, name: 'ledger', module: LedgerModule.with(ledger, replays) });
    engine.act();
    let closing: Promise<void> | null = null;
    const close = async () => {
      await service.close();
      replays.close();
      await engine.close();
    };
    return { close: () => (closing ??= close()) };
  } catch (error) {
    await engine.close();
    throw error;
  }
}
