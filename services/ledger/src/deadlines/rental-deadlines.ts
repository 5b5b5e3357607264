/** The deadlines of one rental, each with its evidence: of one that runs, from the book; of any other, from its facts. */
import { eventCodec, type AccountEvent, type RentalDeadlines, type RentalEvent } from '@kgpu/contracts';
import type { EventStore } from '@kgpu/event-store';
import { settledAt, type Account } from '../book/account.ts';
import type { Rental } from '../book/rental.ts';
import { creditsEvidence, durationEvidence, idleEvidence, time } from './evidence.ts';
import { idleDeadline } from './next-return.ts';

export interface IdleTimes {
  warningMs: number;
  returnMs: number;
}

type Evidence = RentalDeadlines['evidence'];

export function deadlinesOfRunning(account: Account, rental: Rental, { warningMs, returnMs }: IdleTimes): RentalDeadlines {
  const warningAt = idleDeadline(rental, warningMs);
  const returnAt = idleDeadline(rental, returnMs);
  const creditsAt = creditsEndOf(account, rental);
  const dates = { expires_at: iso(rental.expiresAt), idle_warning_at: iso(warningAt), idle_return_at: iso(returnAt), out_of_credits_at: iso(creditsAt) };
  return {
    gpu_id: rental.gpuId, ...dates, ended_at: null, end_reason: null,
    evidence: [
      { deadline: 'duration', at: dates.expires_at, ...durationEvidence(rental) },
      { deadline: 'idle_warning', at: dates.idle_warning_at, ...idleEvidence(rental, `warned at ${told(warningAt)}`) },
      { deadline: 'idle_return', at: dates.idle_return_at, ...idleEvidence(rental, `would be returned at ${told(returnAt)}`) },
      { deadline: 'out_of_credits', at: dates.out_of_credits_at, ...creditsEvidence(account, rental, creditsAt === Infinity ? null : creditsAt) },
    ],
  };
}

/** Null: no such rental. `userId` is the renter's. */
export async function deadlinesOfOther(store: EventStore, gpuId: string, userId: number): Promise<RentalDeadlines | null> {
  const facts = await store.read(`rental-${gpuId}`);
  if (facts.length === 0) return null;
  const none = { gpu_id: gpuId, expires_at: null, idle_warning_at: null, idle_return_at: null, out_of_credits_at: null };
  const start = facts.map((recorded) => eventCodec.decode<RentalEvent>(recorded)).find(({ type }) => type === 'RentalStarted');
  const expires_at = start?.type === 'RentalStarted' ? start.data.expires_at : null;
  const due = await dueEvidence(store, gpuId, userId);
  const endFact = facts.find(({ type }) => type === 'RentalEnded');
  // It is not Ready yet, or about to be ended.
  if (endFact === undefined) return { ...none, expires_at, ended_at: null, end_reason: null, evidence: due };
  const end = eventCodec.decode<RentalEvent>(endFact);
  if (end.type !== 'RentalEnded') throw new Error('a RentalEnded is one');
  const ended = { deadline: 'ended' as const, at: end.data.at, why: `ended at ${time(Date.parse(end.data.at))}: ${end.data.reason}`, caused_by: [endFact.id] };
  return { ...none, expires_at, ended_at: end.data.at, end_reason: end.data.reason, evidence: [...due, ended] };
}

/** The first minute of the rental that can't be paid, if everything goes on as it is; Infinity when it ends before that. */
function creditsEndOf(account: Account, { gpuId }: Rental): number {
  const due = settledAt(account, Infinity, Infinity).rentals.find((rental) => rental.gpuId === gpuId)?.due;
  return due?.reason === 'out_of_credits' ? due.at : Infinity;
}

async function dueEvidence(store: EventStore, gpuId: string, userId: number): Promise<Evidence> {
  const found = await store.findCommit(`account-${userId}`, `due:${gpuId}`);
  return (found?.events ?? []).flatMap((recorded) => {
    const { type, data } = eventCodec.decode<AccountEvent>(recorded);
    return type === 'RentalReturnDue' ? [{ deadline: deadlineOf[data.reason], at: data.due_at, why: data.why, caused_by: [recorded.id, ...data.caused_by] }] : [];
  });
}

const deadlineOf = { auto_idle: 'idle_return', duration_expired: 'duration', out_of_credits: 'out_of_credits' } as const;

function iso(at: number): string | null {
  return at === Infinity ? null : new Date(at).toISOString();
}

function told(at: number): string {
  return at === Infinity ? 'no time' : time(at);
}
