import { openCompute, shareQueueOf } from '@kgpu/compute';
import { follow, startBusService, type RunningService, type ServiceContext } from '@kgpu/runtime';
import { SweepPolicy } from './output/sweep.policy.ts';
import { LeasePolicy } from './replicas/lease.policy.ts';
import { Replicas } from './replicas/replicas.ts';
import { RunPolicy } from './run/run.policy.ts';
import { RunRecord } from './run/run-record.ts';
import { Runs } from './run/runs.projection.ts';
import { RunnerModule } from './runner.module.ts';

/** What heals whatever an event or a crash left behind. */
const TICK_MS = 5_000;

/** Starts the runner: its view of the log, its lease, its answers, then every run of its own that is active in the log is followed again. */
export async function start(context: ServiceContext): Promise<RunningService> {
  const { config, health } = context;
  const compute = await openCompute({
    dataDir: config.KGPU_DATA_DIR, installId: context.installId, slots: config.KGPU_GPU_SLOTS,
    ...(config.KGPU_COMPUTE === undefined ? {} : { driver: config.KGPU_COMPUTE }),
  });
  const runs = new Runs();
  let policy: RunPolicy | undefined;
  const projection = follow(context.store, { categories: ['run', 'rental'] }, (event, { position }) => {
    runs.apply(event, position);
    if (event.type === 'RentalEnded') policy?.lookAtGpu(event.data.gpu_id);
    if ('run_id' in event.data && typeof event.data.run_id === 'string') policy?.look(event.data.run_id);
  });
  await projection.ready;
  const replicas = new Replicas(context.replica);
  const parts = { context, compute, runs, record: new RunRecord(context, projection) };
  const looking = new RunPolicy(parts, replicas);
  const lease = new LeasePolicy(context, replicas, () => {
    shareQueueOf(compute, replicas.alive(performance.now()).length);
    looking.lookAtAll();
  });
  await lease.start();
  policy = looking;
  const bus = await startBusService({ context, name: 'runner', module: RunnerModule.with({ ...parts, projection, policy: looking, replicas }) });
  looking.lookAtAll();
  const ticking = setInterval(() => looking.lookAtAll(), TICK_MS);
  const sweep = new SweepPolicy(context);
  sweep.start();
  health.add('runner', async () => {
    if (projection.halted !== null) throw projection.halted;
  });

  let closing: Promise<void> | null = null;
  const close = async () => {
    clearInterval(ticking);
    await bus.close();
    await looking.close();
    await lease.close();
    await sweep.close();
    await projection.close();
    await compute.close();
  };
  return { close: () => (closing ??= close()) };
}
