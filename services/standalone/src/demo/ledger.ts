/** The ledger: a rental until it is returned for idleness, another until the credits are gone; every credit explained; a what-if. */
import { Problem, type Balance, type LedgerEntry, type Rental, type RentalDeadlines, type ReplayLine, type Run } from '@kgpu/contracts';
import type { Scenario, Stage } from './stage.ts';

const IDLE_MINUTES = 30;
type Forecast = { balance: number; price_per_hour_credits: number; hours_balance_lasts: number };

export const ledger: Scenario = {
  title: 'What a GPU costs, when it comes back by itself, and why',
  settings: { KGPU_CLOCK_SPEED: '1800', KGPU_STARTING_CREDITS: '2600' },
  async play(stage) {
    const { client, say } = stage;
    const forecast = await client.post<Forecast>('/v1/gpus', { image: stage.image, dry_run: true });
    say(`Before paying: ${forecast.balance} credits at ${forecast.price_per_hour_credits} an hour last for ${forecast.hours_balance_lasts} hours. An hour passes in two seconds here.`);
    await untilIdle(stage);
    await untilUnpaid(stage);
    await showStatement(stage);
    await showWhatIf(stage);
  },
};

async function untilIdle(stage: Stage): Promise<void> {
  const { client, say } = stage;
  const { gpu_id } = await rent(stage, 'idle');
  await client.post<Run>('/v1/runs', { gpu_id, command: ['true'] });
  say('It has run one command. Why and when it would come back by itself:');
  showEvidence(stage, await client.get<RentalDeadlines>(`/v1/gpus/${gpu_id}/deadlines`));
  const warned = await watch(stage, gpu_id, ({ idle_warning, phase }) => idle_warning || phase !== 'Ready');
  if (warned.idle_warning) say(`Nobody has used it for an hour: it carries an idle warning. ${warned.credits_charged} credits so far.`);
  await showEnd(stage, gpu_id);
}

async function untilUnpaid(stage: Stage): Promise<void> {
  const { client, say } = stage;
  const { gpu_id } = await rent(stage, 'busy');
  await client.post<Run>('/v1/runs', { gpu_id, command: ['sleep', '1000'], wait_seconds: 0 });
  const { balance, runs_out_at } = await client.get<Balance>('/v1/balance');
  say(`This one works, so it is not idle. ${balance} credits are left; they run out at ${runs_out_at}.`);
  await showEnd(stage, gpu_id);
  const refused = await client.post<Rental>('/v1/gpus', { image: stage.image }).then(() => null, (error: unknown) => error);
  if (refused instanceof Problem) say(`Another one is refused: ${refused.code}. ${refused.message}`);
}

async function rent({ client, image, say }: Stage, name: string): Promise<Rental> {
  let rental = await client.post<Rental>('/v1/gpus', { image, name, wait_seconds: 60 });
  while (rental.phase === 'Pending') rental = await client.get<Rental>(`/v1/gpus/${rental.gpu_id}?wait_seconds=60`);
  if (rental.phase !== 'Ready') throw new Error(`The rental did not become Ready: ${rental.message ?? rental.phase}`);
  say(`Rented ${rental.gpu_id}, Ready at ${rental.ready_at}.`);
  return rental;
}

/** Looks at a rental until it is as wanted. */
async function watch({ client, signal }: Stage, gpuId: string, wanted: (rental: Rental) => boolean): Promise<Rental> {
  for (;;) {
    signal.throwIfAborted();
    const rental = await client.get<Rental>(`/v1/gpus/${gpuId}?wait_seconds=0.2`);
    if (wanted(rental)) return rental;
  }
}

async function showEnd(stage: Stage, gpuId: string): Promise<void> {
  const { client, say } = stage;
  const { end_reason, ended_at, credits_charged } = await watch(stage, gpuId, ({ phase }) => phase === 'Ended');
  say(`Returned at ${ended_at}, ${end_reason}; it cost ${credits_charged} credits. The evidence:`);
  showEvidence(stage, await client.get<RentalDeadlines>(`/v1/gpus/${gpuId}/deadlines`));
}

function showEvidence({ show }: Stage, { evidence }: RentalDeadlines): void {
  for (const { deadline, why, caused_by } of evidence) show(`${deadline.padEnd(15)} ${why}\n${''.padEnd(15)} says ${caused_by.join(', ')}\n`);
}

async function showStatement({ client, say, show }: Stage): Promise<void> {
  const { entries } = await client.get<{ entries: LedgerEntry[] }>('/v1/balance/entries');
  say('The statement, newest first:');
  for (const { at, kind, credits, balance_after, minutes, gpu_id } of entries) {
    show(`${at}  ${kind.padEnd(8)} ${String(credits).padStart(6)} ${String(balance_after).padStart(6)}  ${minutes === undefined ? '' : `${minutes} minutes of ${gpu_id}`}\n`);
  }
  const { ok, checked_events, sums } = await client.get<{ ok: boolean; checked_events: number; sums: { granted_units: number; balance_units: number; charged_units: number } }>('/v1/admin/ledger/audit');
  say(`The audit of ${checked_events} facts ${ok ? 'finds nothing' : 'FINDS SOMETHING'}: ${sums.granted_units} units granted = ${sums.balance_units} left + ${sums.charged_units} charged (60 units are a credit).`);
}

async function showWhatIf({ client, say, show }: Stage): Promise<void> {
  say(`What if idle GPUs came back after ${IDLE_MINUTES} minutes?`);
  for (const line of await client.lines<ReplayLine>('/v1/admin/ledger/replay', { idle_return_minutes: IDLE_MINUTES })) show(`${JSON.stringify(line)}\n`);
}
