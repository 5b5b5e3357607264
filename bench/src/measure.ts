import { Agent } from 'node:http';
import { once } from './once.ts';

const REQUESTS = 3_000;
const IN_FLIGHT = 16;

/** Requests a second with some in flight, after a warm-up. */
export async function measure(url: string, headers: Record<string, string>, requests = REQUESTS): Promise<{ rate: number; body: string }> {
  const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT });
  const body = await once(url, headers, 'GET', undefined, agent);
  const series = async (count: number) => {
    let left = count;
    await Promise.all(Array.from({ length: IN_FLIGHT }, async () => {
      while (left-- > 0) await once(url, headers, 'GET', undefined, agent);
    }));
  };
  await series(requests / 5);
  const begun = performance.now();
  await series(requests);
  agent.destroy();
  return { rate: (requests / (performance.now() - begun)) * 1_000, body };
}
