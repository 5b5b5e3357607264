/** What tells operators how it goes: readiness of every part, and metrics of every request. */
import type { ServiceContext } from '@kgpu/runtime';
import type { FastifyInstance } from 'fastify';
import { Histogram } from 'prom-client';
import { Result } from '../http/result.ts';

const REQUEST_SECONDS = 'kgpu_http_request_seconds';

export class Monitor {
  constructor(private readonly context: ServiceContext) {}

  async readiness(): Promise<Result> {
    const readiness = await this.context.health.check();
    return new Result(readiness, readiness.ok ? 200 : 503, readiness.ok ? {} : { 'retry-after': '2' });
  }

  async metrics(): Promise<Result> {
    const { metrics } = this.context;
    return new Result(await metrics.metrics(), 200, { 'content-type': metrics.contentType });
  }

  /** Counts requests and measures them, by the route's path: never by what somebody typed. */
  observe(fastify: FastifyInstance): void {
    const { metrics } = this.context;
    metrics.removeSingleMetric(REQUEST_SECONDS);
    const seconds = new Histogram({
      name: REQUEST_SECONDS, help: 'Time until the last byte of the reply', labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60], registers: [metrics],
    });
    fastify.addHook('onResponse', (request, reply, done) => {
      seconds.observe({ method: request.method, route: request.routeOptions.url ?? 'unknown', status: reply.statusCode }, reply.elapsedTime / 1_000);
      done();
    });
  }
}
