import { setInterval as every } from 'node:timers/promises';
import { openObjectStore } from '@kgpu/object-store';
import { startBusService, type RunningService, type ServiceContext } from '@kgpu/runtime';
import { Bucket } from './drive/bucket.ts';
import { DriveAccess } from './drive/drive-access.ts';
import { DriveRecord } from './drive/drive-record.ts';
import { FollowedDrives } from './drive/followed-drives.ts';
import { measure } from './files-metrics.ts';
import { FilesModule } from './files.module.ts';
import { openWebdav } from './lock/webdav.ts';
import { Deletion } from './operation/deletion.ts';
import { Files } from './operation/files.ts';
import { Operations } from './operation/operations.ts';
import { Transfer } from './operation/transfer.ts';
import { Orgs } from './org/orgs.ts';
import { ReconcilePolicy } from './reconcile/reconcile.policy.ts';
import { Reconciliations } from './reconcile/reconciliations.ts';
import { PartUploads } from './upload/part-uploads.ts';
import { Quota } from './upload/quota.ts';
import { Settling } from './upload/settling.ts';
import { SweepPolicy } from './upload/sweep.policy.ts';
import { Uploads } from './upload/uploads.ts';

const SWEEP_EVERY_MS = 5_000;
const RECONCILE_LOOK_EVERY_MS = 300_000;
const STRAYS_EVERY_MS = 1_800_000;

export interface RunningFiles extends RunningService {
  /** What looks after uploads every few seconds. */
  sweep: SweepPolicy;
  /** What compares drives with the bucket every day. */
  reconcilePolicy: ReconcilePolicy;
}

/** Starts the files service: its view of the log first, then its answers, what an earlier process left, and the policies. */
export async function start(context: ServiceContext): Promise<RunningFiles> {
  const { config } = context;
  // Signed URLs of the folder are the gateway's own, which serves them: the same address and key on both sides.
  const store = await openObjectStore(config, { baseUrl: () => config.KGPU_API_BASE ?? `http://${config.KGPU_HOST}:${config.KGPU_PORT}`, secret: context.secret.toString('hex') });
  const followed = await FollowedDrives.open(context);
  const { drives, directory, projection } = followed;
  await projection.ready.catch(() => undefined);

  const bucket = new Bucket(store);
  const record = new DriveRecord(context, projection, drives);
  const orgs = new Orgs(context, projection);
  const access = new DriveAccess(orgs);
  const webdav = openWebdav(context, bucket, access);
  await webdav.projection.ready.catch(() => undefined);
  const { locks } = webdav;
  const reconcileTools = { record, drives, bucket };
  const reconcilePolicy = new ReconcilePolicy(context, reconcileTools);
  const suspect = reconcilePolicy.suspect.bind(reconcilePolicy);
  const uploads = new Uploads(context, record, bucket, access, locks, suspect);
  const settling = new Settling(context, uploads, bucket);
  const [deletion, transfer] = [new Deletion(record, bucket), new Transfer(record, bucket)];
  const operations = new Operations(context, record, (drive, operation, attempt) => (
    operation.kind === 'delete' ? deletion.run(drive, operation, attempt) : transfer.run(drive, operation, attempt)
  ));
  const reconciliations = new Reconciliations();
  const sweep = new SweepPolicy(context, drives, bucket, settling);
  const bus = await startBusService({
    context, name: 'files',
    module: FilesModule.with({
      context, projection, drives, directory, orgs, uploads, reconcileTools, reconciliations,
      partUploads: new PartUploads(context, record, bucket, access, uploads),
      quota: new Quota(context, record, settling),
      files: new Files({ record, bucket, access, locks, operations, quotaBytes: config.KGPU_USER_QUOTA_BYTES, upSince: context.clock.now() }),
    }, webdav),
  });
  for (const [drive, { state }] of drives) for (const id of state.operations.keys()) operations.resume(drive, id);
  reconcilePolicy.start();
  measure(context.metrics, drives, directory, operations);
  context.health.add('files', async () => {
    const halted = projection.halted ?? webdav.projection.halted;
    if (halted !== null) throw halted;
  });
  context.health.add('object_store', () => store.check({ deadlineMs: 1_500 }));

  const stop = new AbortController();
  const failed = (error: unknown) => context.log.warn({ err: error }, 'the object store could not be looked at; trying again');
  const ticking = [
    tick(SWEEP_EVERY_MS, stop.signal, () => sweep.look(), failed),
    tick(STRAYS_EVERY_MS, stop.signal, () => sweep.removeStrays(new Date()), failed),
    tick(RECONCILE_LOOK_EVERY_MS, stop.signal, async () => reconcilePolicy.look(), failed),
  ];
  let closing: Promise<void> | null = null;
  const close = async () => {
    stop.abort();
    await bus.close();
    await Promise.all([...ticking, operations.close(), reconciliations.close(), reconcilePolicy.close()]);
    await Promise.all([followed.close(), webdav.projection.close()]);
    await store.close();
  };
  return { sweep, reconcilePolicy, close: () => (closing ??= close()) };
}

async function tick(everyMs: number, signal: AbortSignal, look: () => Promise<void>, failed: (error: unknown) => void): Promise<void> {
  try {
    for await (const _ of every(everyMs, undefined, { signal })) await look().catch(failed);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
