/** `npm start`. */
import { join } from 'node:path';
import { ListRentals, type Config, type OwnedRental } from '@kgpu/contracts';
import { createLog, openDataFolder, runProcess, type RunningService } from '@kgpu/runtime';
import { banner, farewell, type Part } from './banner.ts';
import { openLogFile } from './log-file.ts';
import { startStandalone, type Standalone } from './standalone.ts';

/** Nobody waits longer for the names of what stays than for the end itself. */
const LIST_DEADLINE_MS = 1_000;

await runProcess(async (config, processLog): Promise<RunningService> => {
  const log = process.stderr.isTTY ? logBesideTerminal(config) : { log: processLog, part: { name: 'log', choice: 'standard error' } };
  const standalone = await startStandalone(config, { log: log.log, say: console.log });
  console.log(banner({ ...standalone, parts: [...standalone.parts, log.part] }));
  return { close: () => stop(standalone) };
});

/** A terminal is for people: the log goes into a file. */
function logBesideTerminal(config: Config): { log: Standalone['context']['log']; part: Part } {
  const file = join(config.KGPU_DATA_DIR, 'kgpu.log');
  openDataFolder(config);
  return { log: createLog(config.KGPU_LOG_LEVEL, openLogFile(file)), part: { name: 'log', choice: file } };
}

async function stop(standalone: Standalone): Promise<void> {
  console.log('\nStopping …');
  const left = await whatStays(standalone);
  await standalone.close();
  console.log(left === null ? 'Stopped. Rentals that are running go on.' : farewell(left.active, left.clearing));
}

/** null when the bus no longer answers. */
async function whatStays({ context }: Standalone): Promise<{ active: OwnedRental[]; clearing: number } | null> {
  const list = async (state: 'active' | 'ended') =>
    (await context.bus.ask(ListRentals, { user_id: null, state, limit: 500 }, { requestId: 'stop', deadlineMs: LIST_DEADLINE_MS })).rentals;
  try {
    const [active, ended] = await Promise.all([list('active'), list('ended')]);
    return { active, clearing: ended.filter(({ phase }) => phase === 'Ending').length };
  } catch {
    return null;
  }
}
