/** Who used how much in a window of time: minutes belong to the instant at which they begin, so nothing is lost at midnight or twice. */
import { eventCodec, UNITS_PER_CREDIT, type AccountEvent, type UsageGroup, type UsageReport, type UsageRow } from '@kgpu/contracts';
import type { EventStore } from '@kgpu/event-store';
import { minutesWithin, stretchOfCharge, type Stretch } from '../statement/stretch.ts';
import { everyFact } from './every-fact.ts';
import { readMemberships, type Membership, type Memberships } from './memberships.ts';

const DAY_MS = 86_400_000;
/** No slug of an org: what users spent while they belonged to none. */
const NO_ORG = '-';

interface Sum {
  rentals: number;
  minutes: number;
  units: number;
}

/** Instants are milliseconds since 1970; `running`: what is not charged yet, its minutes up to now. */
export async function usage(store: EventStore, running: readonly Stretch[], window: { from: number; to: number; groupBy: UsageGroup }): Promise<UsageReport> {
  const { from, to, groupBy } = window;
  const sums = new Map<string, Sum>();
  const total: Sum = { rentals: 0, minutes: 0, units: 0 };
  const memberships: Memberships = groupBy === 'org' ? await readMemberships(store) : new Map();
  const count = (stretch: Stretch) => {
    for (const { group, minutes } of partsOf(stretch, from, to, groupBy, memberships)) if (minutes > 0) add(sumOf(sums, group), stretch, minutes);
    const all = minutesWithin(stretch, from, to);
    if (all > 0) add(total, stretch, all);
  };
  const charged = new Set<string>();
  for await (const stretch of chargedStretches(store)) {
    charged.add(stretch.gpuId);
    count(stretch);
  }
  running.filter(({ gpuId }) => !charged.has(gpuId)).forEach(count);
  const rows = [...sums].map(([group, sum]): UsageRow => ({ group, ...shown(sum) }));
  const inOrder = (a: UsageRow, b: UsageRow) => (groupBy === 'user' ? Number(a.group) - Number(b.group) : a.group < b.group ? -1 : 1);
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString(), group_by: groupBy, usage: rows.sort(inOrder), total: shown(total) };
}

interface UsagePart {
  group: string;
  minutes: number;
}

function partsOf(stretch: Stretch, from: number, to: number, groupBy: UsageGroup, memberships: Memberships): UsagePart[] {
  switch (groupBy) {
    case 'user':
      return [{ group: String(stretch.userId), minutes: minutesWithin(stretch, from, to) }];
    case 'gpu_model':
      return [{ group: stretch.gpuModel, minutes: minutesWithin(stretch, from, to) }];
    case 'day':
      return daysOf(stretch, from, to);
    case 'org':
      return orgsOf(stretch, from, to, memberships.get(stretch.userId) ?? []);
  }
}

/** Whoever belongs to several orgs counts in each of them. */
function orgsOf(stretch: Stretch, from: number, to: number, memberships: readonly Membership[]): UsagePart[] {
  const minutesOf = new Map<string, number>();
  let [alone, covered] = [minutesWithin(stretch, from, to), from];
  for (const membership of memberships) {
    const [begins, ends] = [Math.max(from, membership.from), Math.min(to, membership.to)];
    minutesOf.set(membership.slug, (minutesOf.get(membership.slug) ?? 0) + minutesWithin(stretch, begins, ends));
    // In order of their beginning: what lies before `covered` was taken off already.
    alone -= minutesWithin(stretch, Math.max(covered, begins), ends);
    covered = Math.max(covered, ends);
  }
  return [...minutesOf.set(NO_ORG, alone)].map(([group, minutes]) => ({ group, minutes }));
}

function daysOf(stretch: Stretch, from: number, to: number): UsagePart[] {
  const last = Math.min(to, stretch.startedAt + stretch.minutes * 60_000);
  const parts: UsagePart[] = [];
  for (let day = Math.floor(Math.max(from, stretch.startedAt) / DAY_MS) * DAY_MS; day < last; day += DAY_MS) {
    parts.push({ group: new Date(day).toISOString().slice(0, 10), minutes: minutesWithin(stretch, Math.max(from, day), Math.min(to, day + DAY_MS)) });
  }
  return parts;
}

function sumOf(sums: Map<string, Sum>, group: string): Sum {
  const sum = sums.get(group) ?? { rentals: 0, minutes: 0, units: 0 };
  sums.set(group, sum);
  return sum;
}

function add(sum: Sum, { pricePerHourCredits }: Stretch, minutes: number): void {
  sum.rentals++;
  sum.minutes += minutes;
  sum.units += minutes * pricePerHourCredits;
}

function shown({ rentals, minutes, units }: Sum): Omit<UsageRow, 'group'> {
  const rounded = (value: number) => Math.round(value * 10_000) / 10_000;
  return { rentals, minutes, hours: rounded(minutes / 60), credits: rounded(units / UNITS_PER_CREDIT), units };
}

async function* chargedStretches(store: EventStore): AsyncGenerator<Stretch> {
  for await (const recorded of everyFact(store, { categories: ['account'], types: ['RentalCharged'] })) {
    const event = eventCodec.decode<AccountEvent>(recorded);
    if (event.type === 'RentalCharged') yield stretchOfCharge(event.data);
  }
}
