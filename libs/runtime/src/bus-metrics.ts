import { Histogram, type Registry } from 'prom-client';

const BUCKETS = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60];

/** Asked: as the caller sees it. Answered: as the service sees it. `outcome` is `ok` or the problem's code. */
export interface BusMetrics {
  asked: Histogram<'message' | 'outcome'>;
  answered: Histogram<'service' | 'message' | 'outcome'>;
}

/** The same ones for every part that shares the registry. */
export function busMetrics(registry: Registry): BusMetrics {
  return {
    asked: histogram(registry, 'kgpu_bus_ask_seconds', 'Time until a message was answered, or given up', ['message', 'outcome']),
    answered: histogram(registry, 'kgpu_bus_answer_seconds', 'Time that a service took to answer a message', ['service', 'message', 'outcome']),
  };
}

function histogram<L extends string>(registry: Registry, name: string, help: string, labelNames: L[]): Histogram<L> {
  const known = registry.getSingleMetric(name) as Histogram<L> | undefined;
  return known ?? new Histogram({ name, help, labelNames, buckets: BUCKETS, registers: [registry] });
}
