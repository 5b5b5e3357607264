/** Who used how much in a window of time: minutes belong to the instant at which they begin, so nothing is lost at midnight or twice. */
import { eventCodec, UNITS_PER_CREDIT, type AccountEvent, type UsageGroup, type UsageReport, type UsageRow } from '@kgpu/contracts';
import type { EventStore } from '@kgpu/event-store';
import { minutesWithin, stretchOfCharge, type Stretch } from '../statement/stretch.ts';

const DAY_MS = 86_400_000;
const PAGE_SIZE = 5_000;

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
  const count = (stretch: Stretch) => {
    for (const { group, minutes } of partsOf(stretch, from, to, groupBy)) if (minutes > 0) add(sumOf(sums, group), stretch, minutes);
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

function partsOf(stretch: Stretch, from: number, to: number, groupBy: UsageGroup): { group: string; minutes: number }[] {
  switch (groupBy) {
    case 'user':
      return [{ group: String(stretch.userId), minutes: minutesWithin(stretch, from, to) }];
    case 'gpu_model':
      return [{ group: stretch.gpuModel, minutes: minutesWithin(stretch, from, to) }];
    case 'day':
      return daysOf(stretch, from, to);
  }
}

function daysOf(stretch: Stretch, from: number, to: number): { group: string; minutes: number }[] {
  const last = Math.min(to, stretch.startedAt + stretch.minutes * 60_000);
  const parts: { group: string; minutes: number }[] = [];
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
  for (let after = 0; ;) {
    const page = await store.readAll({ categories: ['account'], types: ['RentalCharged'], after, limit: PAGE_SIZE });
    for (const recorded of page) {
      const event = eventCodec.decode<AccountEvent>(recorded);
      if (event.type === 'RentalCharged') yield stretchOfCharge(event.data);
    }
    if (page.length < PAGE_SIZE) return;
    after = page.at(-1)!.position;
  }
}
