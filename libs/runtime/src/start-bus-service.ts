import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NatsConnection } from '@nats-io/transport-node';
import { busMetrics } from './bus-metrics.ts';
import { BusProblemFilter } from './bus-problem.filter.ts';
import type { NatsBus } from './nats-bus.ts';
import { nestLog } from './nest-log.ts';
import { NatsServiceStrategy } from './nats-service-strategy.ts';
import type { RunningService, ServiceContext } from './service.ts';

/** Starts the controllers of a module on the bus; resolves when the first message can come. */
export async function startBusService({ context, name, module }: { context: ServiceContext; name: string; module: DynamicModule }): Promise<RunningService> {
  const log = context.log.child({ service: name });
  const strategy = new NatsServiceStrategy(connectionOf(context), name, log, busMetrics(context.metrics));
  const app = await NestFactory.createMicroservice(module, { strategy, logger: nestLog(log), abortOnError: false });
  app.useGlobalFilters(new BusProblemFilter(log));
  await app.listen();
  let closing: Promise<void> | null = null;
  return { close: () => (closing ??= app.close()) };
}

function connectionOf(context: ServiceContext): NatsConnection {
  return (context.bus as NatsBus).connection;
}
