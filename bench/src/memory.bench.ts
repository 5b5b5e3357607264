/**
 * Memory of the runner, as a process of its own, while a command writes 2 GB as fast as it can; the record keeps 1 GiB of it. A
 * first GB goes before: V8 gives the young generation its full size by then.
 */
import type { Row } from './row.ts';
import { withParts, type BenchClient } from './system.ts';

const WARM_UP_BYTES = 1_000_000_000;
const BYTES = 2_000_000_000;
const LOOK_MS = 250;

export async function run(): Promise<Row[]> {
  return withParts({ KGPU_COMPUTE: 'process' }, async (client, parts) => {
    await write(client, WARM_UP_BYTES);
    const begun = performance.now();
    const seen: number[] = [];
    const looking = setInterval(() => seen.push(parts.memoryOf('runner')), LOOK_MS);
    await write(client, BYTES);
    clearInterval(looking);
    const seconds = (performance.now() - begun) / 1_000;
    const middle = (Math.max(...seen) + Math.min(...seen)) / 2;
    return [
      { what: `memory of the runner over ${BYTES / 1e9} GB of output`, value: middle, unit: 'MB' },
      { what: 'up and down from there at most', value: Math.max(...seen) - middle, unit: 'MB' },
      { what: 'recorded', value: BYTES / 1e6 / seconds, unit: 'MB/s' },
    ];
  });
}

async function write(client: BenchClient, bytes: number): Promise<void> {
  const { run_id } = await client.start(['sh', '-c', `yes 'a line that says nothing new' | head -c ${bytes}`]);
  let state: { phase: string; stdout_bytes: number };
  do state = await client.send('GET', `/v1/runs/${run_id}?wait_seconds=30`);
  while (state.phase === 'Running');
  if (state.stdout_bytes !== bytes) throw new Error(`${state.stdout_bytes} bytes are on record instead of ${bytes}`);
}
