/** Rentals with what the ledger says of them: what they cost, and whether they are idle. */
import { GetRentalStandings, Problem, type OwnedRental, type Rental } from '@kgpu/contracts';
import type { Asker, Parts } from '../http/parts.ts';

export type RentalOfUser = Rental & { user_id: number };

/** Off the usual deadline: nobody waits long for what is only told beside the rental. */
const IMPATIENCE_MS = -7_000;

/** Rentals go on without a ledger: what they cost is null then. */
export async function withStandings(parts: Parts, asker: Asker, rentals: readonly OwnedRental[]): Promise<RentalOfUser[]> {
  // What never was Ready costs nothing.
  const gpu_ids = rentals.filter(({ ready_at }) => ready_at !== null).map(({ gpu_id }) => gpu_id);
  const standings = gpu_ids.length === 0 ? [] : await unlessAway(parts.ask(GetRentalStandings, { gpu_ids }, asker, IMPATIENCE_MS));
  const known = standings === null ? null : new Map(('standings' in standings ? standings.standings : []).map((standing) => [standing.gpu_id, standing]));
  return rentals.map((rental) => {
    const { credits_charged = rental.ready_at === null || known !== null ? 0 : null, idle_warning = false } = known?.get(rental.gpu_id) ?? {};
    return { ...rental, idle_warning, credits_charged };
  });
}

export async function withStanding(parts: Parts, asker: Asker, rental: OwnedRental): Promise<RentalOfUser> {
  return (await withStandings(parts, asker, [rental]))[0]!;
}

/** Null when the part that is asked is away, stands still or is late. */
export async function unlessAway<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Problem && error.status >= 503) return null;
    throw error;
  }
}
