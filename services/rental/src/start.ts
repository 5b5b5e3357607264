import { setInterval as every, setTimeout as sleep } from 'node:timers/promises';
import { hasOwnNetwork, openCompute, type Compute } from '@kgpu/compute';
import { follow, startBusService, type ServiceContext, type RunningService } from '@kgpu/runtime';
import { NodePolicy } from './node/node.policy.ts';
import { Nodes } from './node/nodes.ts';
import { Slots } from './node/slots.ts';
import { RentalModule } from './rental.module.ts';
import { ContainerPolicy } from './rental/container.policy.ts';
import { Renting } from './rental/rent.ts';
import { RentalRecord } from './rental/rental-record.ts';
import { Rentals } from './rental/rentals.projection.ts';

/** How often everything is looked at again: what heals whatever an event or a crash left behind. */
const TICK_MS = 5_000;
const NETWORK_DEADLINE_MS = 1_000;

export interface RunningRental extends RunningService {
  /** What runs the containers. */
  compute: Compute;
}

/** Starts the rental service: answers on the bus once its view of the log is complete, then looks after the containers. */
export async function start(context: ServiceContext): Promise<RunningRental> {
  const { config, health, log } = context;
  const compute = await openCompute({
    dataDir: config.KGPU_DATA_DIR, installId: context.installId, slots: config.KGPU_GPU_SLOTS, mountDrives: config.KGPU_MOUNT_DRIVES,
    ...(config.KGPU_COMPUTE === undefined ? {} : { driver: config.KGPU_COMPUTE }),
  });
  const rentals = new Rentals();
  const nodes = new Nodes(compute, config.KGPU_PRICE_PER_HOUR_CREDITS);
  let containers: ContainerPolicy | undefined;
  const projection = follow(context.store, { categories: ['rental', 'node'] }, (event, { position }) => {
    nodes.apply(event);
    rentals.apply(event, position);
    if (event.type.startsWith('Rental')) containers?.settle((event.data as { gpu_id: string }).gpu_id);
  });
  await projection.ready;

  const record = new RentalRecord(context, projection);
  const slots = new Slots(context);
  const onlyUser = compute.driver === 'process' && !config.KGPU_ALLOW_INSECURE_PROCESS ? 1 : null;
  const renting = new Renting(context, nodes, slots, record, onlyUser);
  const bus = await startBusService({
    context, name: 'rental',
    module: RentalModule.with({ context, projection, rentals, nodes, record, renting, defaultPrice: config.KGPU_PRICE_PER_HOUR_CREDITS.default }),
  });
  containers = new ContainerPolicy(context, compute, rentals, record, slots);
  const policy = containers;
  const node = new NodePolicy(context, compute, rentals, record, nodes, slots);
  const stop = new AbortController();
  const ticking = tick(stop.signal, async () => {
    policy.settleAll();
    await node.look(performance.now());
  }, (error) => log.warn({ err: error }, 'the engine could not be looked at; trying again'));
  health.add('rental', async () => {
    if (projection.halted !== null) throw projection.halted;
  });
  health.add('compute', async () => void (await compute.list()));

  let closing: Promise<void> | null = null;
  const close = async () => {
    stop.abort();
    await bus.close();
    await Promise.all([ticking, policy.close()]);
    await projection.close();
    // Engines have room for some thirty networks: who has no rental keeps none.
    if (hasOwnNetwork(compute)) await Promise.race([compute.removeNetwork(), sleep(NETWORK_DEADLINE_MS, undefined, { ref: false })]).catch(() => {});
    await compute.close();
  };
  return { compute, close: () => (closing ??= close()) };
}

async function tick(signal: AbortSignal, look: () => Promise<void>, failed: (error: unknown) => void): Promise<void> {
  await look().catch(failed);
  try {
    for await (const _ of every(TICK_MS, undefined, { signal })) await look().catch(failed);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
