/** A log as it looks after so many rentals: people, rentals with a run each, and their charges, chained as the ledger does it. */
import { chained, eventCodec, type KgpuEvent } from '@kgpu/contracts';
import type { EventStore } from '@kgpu/event-store';

const PRICE = 500;
const AT_ONCE = 64;

export const EVENTS_PER_RENTAL = 10;

export interface LogSize {
  users: number;
  rentals: number;
  /** Of the last rentals so many have started and not ended; they have no run. */
  running?: number;
  /** When the first rental starts, in milliseconds since 1970, and how long after one the next. */
  begin?: number;
  stepMs?: number;
}

/** Writes it; resolves with the business time of its end. */
export async function writeLedgerLog(store: EventStore, { users, rentals, running = 0, begin = Date.parse('2026-01-01T00:00:00Z'), stepMs = 20_000 }: LogSize): Promise<number> {
  const hashes = new Map<number, string>();
  const append = (stream: string, events: KgpuEvent[]) => store.append(stream, events.map((event) => eventCodec.encode(event)), { expected: 'any', commitId: events[0]!.type });
  const chain = <T extends KgpuEvent['type']>(userId: number, type: T, data: object) => {
    const linked = chained(hashes.get(userId) ?? '', type, data);
    hashes.set(userId, linked.hash);
    return { type, data: linked } as unknown as KgpuEvent;
  };
  for (let userId = 1; userId <= users; userId += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, users - userId + 1) }, (_, n) => register(chain, store, userId + n, begin)));
  }
  for (let first = 0; first < rentals; first += AT_ONCE) {
    const count = Math.min(AT_ONCE, rentals - first);
    await Promise.all(Array.from({ length: count }, (_, n) => rental(append, chain, store, first + n, { users, isRunning: first + n >= rentals - running, startedAt: begin + (first + n) * stepMs })));
  }
  return begin + rentals * stepMs + 3_600_000;
}

type Append = (stream: string, events: KgpuEvent[]) => Promise<unknown>;
type Chain = (userId: number, type: KgpuEvent['type'], data: object) => KgpuEvent;

async function register(chain: Chain, store: EventStore, userId: number, begin: number): Promise<void> {
  const at = iso(begin);
  const registered = eventCodec.encode({ type: 'UserRegistered', data: { user_id: userId, email: `u${userId}@lab.example`, name: 'U', role: 'user', status: 'active', at } });
  await Promise.all([
    store.append('directory', [registered], { expected: 'any', commitId: `register:${userId}` }),
    store.append(`account-${userId}`, [eventCodec.encode(chain(userId, 'AccountOpened', { user_id: userId, units: 60_000_000, at }))], { expected: 'any', commitId: `open:${userId}` }),
  ]);
}

async function rental(append: Append, chain: Chain, store: EventStore, index: number, { users, isRunning, startedAt }: { users: number; isRunning: boolean; startedAt: number }): Promise<void> {
  const userId = (index % users) + 1;
  const endedAt = startedAt + 50 * 60_000;
  const suffix = `260101000000-${index.toString(16).padStart(8, '0')}`;
  const ids = { gpu_id: `gpu-${userId}-${suffix}`, user_id: userId };
  const run = { run_id: `run-${userId}-${suffix}`, ...ids };
  const node = { node: 'here', gpu_id: ids.gpu_id, at: iso(startedAt) };
  const born: KgpuEvent[] = [
    { type: 'RentalRequested', data: { ...ids, name: 'train', image: 'nvcr.io/nvidia/pytorch:26.01-py3', env: {}, node: 'here', gpu_model: 'GB10', price_per_hour_credits: PRICE, duration_seconds: 360_000, token_hash: 'f'.repeat(64), at: iso(startedAt - 5_000) } },
    { type: 'RentalStarted', data: { ...ids, price_per_hour_credits: PRICE, expires_at: iso(startedAt + 360_000_000), warning: null, at: iso(startedAt) } },
  ];
  if (isRunning) {
    await append(`rental-${ids.gpu_id}`, born);
    return;
  }
  await Promise.all([
    store.append('node-here', [eventCodec.encode({ type: 'SlotTaken', data: node }), eventCodec.encode({ type: 'SlotFreed', data: node })], { expected: 'any', commitId: ids.gpu_id }),
    append(`rental-${ids.gpu_id}`, [...born, { type: 'RentalEnded', data: { ...ids, reason: 'returned', message: null, at: iso(endedAt) } }, { type: 'RentalHardwareFreed', data: { gpu_id: ids.gpu_id, at: iso(endedAt + 2_000) } }]),
    append(`run-${run.run_id}`, [
      { type: 'RunRequested', data: { ...run, name: null, command: ['python', 'train.py', '--epochs', '90'], env: {}, cwd: null, timeout_seconds: null, runner: null, at: iso(startedAt + 1_000) } },
      { type: 'RunStarted', data: { ...run, pid: 42, at: iso(startedAt + 1_100) } },
      { type: 'RunEnded', data: { ...run, exit_code: 0, signal: null, reason: null, message: null, elapsed_seconds: 2_900, stdout_bytes: 1_000, stderr_bytes: 0, output_truncated: false, at: iso(endedAt - 1_000) } },
    ]),
  ]);
  await charge(chain, store, ids, startedAt, endedAt);
}

async function charge(chain: Chain, store: EventStore, ids: { gpu_id: string; user_id: number }, startedAt: number, endedAt: number): Promise<void> {
  const [, started, ended] = await store.read(`rental-${ids.gpu_id}`);
  const charged = chain(ids.user_id, 'RentalCharged', {
    ...ids, gpu_model: 'GB10', minutes: 50, waived_minutes: 0, price_per_hour_credits: PRICE, units: 50 * PRICE,
    started_at: iso(startedAt), ended_at: iso(endedAt), charged_until: iso(endedAt), caused_by: [started!.id, ended!.id], at: iso(endedAt + 50),
  });
  await store.append(`account-${ids.user_id}`, [eventCodec.encode(charged)], { expected: 'any', commitId: `charge:${ids.gpu_id}` });
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
