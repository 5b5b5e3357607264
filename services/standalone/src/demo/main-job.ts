/** The main job: rent, wait until Ready, run with live output, return, and what it cost. */
import { Problem, type Cluster, type Rental, type Run } from '@kgpu/contracts';
import type { Client } from './client.ts';
import type { Scenario, Stage } from './stage.ts';

const command = ['sh', '-c', 'echo "I run on $(uname -n)"; for step in 1 2 3 4 5; do sleep 1; echo "step $step of 5 done"; done'];
type Balance = { balance: number };

export const mainJob: Scenario = {
  title: 'Rent a GPU, run a command in it, return it, pay',
  async play(stage) {
    const { client, say } = stage;
    const { cluster, price_per_hour_credits } = await client.get<Cluster>('/v1/gpus');
    const total = cluster.reduce((sum, node) => sum + node.gpu_total, 0);
    const busy = cluster.reduce((sum, node) => sum + node.gpu_busy, 0);
    const before = await client.get<Balance>('/v1/balance');
    say(`${busy} of ${total} GPUs are rented. An hour costs ${price_per_hour_credits} credits, and there are ${before.balance} on the account.`);

    const rental = await rent(stage);
    try {
      await runWithOutput(stage, rental.gpu_id);
    } finally {
      await giveBack(stage, rental.gpu_id);
    }
    const after = await client.get<Balance>('/v1/balance');
    say(`The balance went from ${before.balance} to ${after.balance} credits.`);
  },
};

async function rent({ client, image, say }: Stage): Promise<Rental> {
  say(`Renting a GPU with the image ${image} …`);
  let rental = await client.post<Rental>('/v1/gpus', { image, name: 'demo', duration_hours: 1, wait_seconds: 60 });
  while (rental.phase === 'Pending') rental = await client.get<Rental>(`/v1/gpus/${rental.gpu_id}?wait_seconds=60`);
  if (rental.phase !== 'Ready') throw new Error(`The rental did not become Ready: ${rental.message ?? rental.end_reason ?? rental.phase}`);
  say(`${rental.gpu_id} is Ready on ${rental.node}. From now on every started minute is charged.`);
  return rental;
}

async function runWithOutput({ client, signal, say, show }: Stage, gpuId: string): Promise<void> {
  say('Running a command in it; this is its output as it comes:');
  const { run_id } = await client.post<Run>('/v1/runs', { gpu_id: gpuId, command, wait_seconds: 0 });
  for await (const text of liveOutput(client, run_id)) {
    show(text);
    signal.throwIfAborted();
  }
  const run = await client.get<Run>(`/v1/runs/${run_id}?wait_seconds=10`);
  say(`The run ${run.phase === 'Succeeded' ? 'succeeded' : `failed (${run.reason ?? 'by itself'})`} with exit code ${run.exit_code} after ${run.elapsed_seconds.toFixed(1)} s.`);
}

/** The output of a run while it is written, from the stream of its events, or by looking again and again where there is none. */
async function* liveOutput(client: Client, runId: string): AsyncGenerator<string> {
  try {
    for await (const { event, data } of client.events(`/v1/runs/${runId}/events`)) {
      if (event === 'output') yield (data as { text?: string }).text ?? '';
      if (event === 'ended') return;
    }
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'route_not_found') throw error;
    yield* polledOutput(client, runId);
  }
}

async function* polledOutput(client: Client, runId: string): AsyncGenerator<string> {
  let shown = 0;
  for (let phase = 'Running'; phase === 'Running';) {
    const run = await client.get<Run>(`/v1/runs/${runId}?wait_seconds=0.5`);
    if (run.stdout.length > shown) yield run.stdout.slice(shown);
    shown = run.stdout.length;
    phase = run.phase;
  }
}

async function giveBack({ client, say }: Stage, gpuId: string): Promise<void> {
  let rental = await client.delete<Rental>(`/v1/gpus/${gpuId}`);
  say('Returned: charging has stopped, and the container is being destroyed.');
  while (rental.phase === 'Ending') rental = await client.get<Rental>(`/v1/gpus/${gpuId}?wait_seconds=30`);
  const seconds = (Date.parse(rental.ended_at!) - Date.parse(rental.ready_at!)) / 1_000;
  say(`The bill: ${seconds.toFixed(0)} s from Ready to return at ${rental.price_per_hour_credits} credits an hour, by the started minute: ${rental.credits_charged} credits.`);
}
