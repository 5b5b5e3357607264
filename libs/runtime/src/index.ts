import 'reflect-metadata';

export * from './answers.ts';
export { openClock } from './business-clock.ts';
export * from './create-log.ts';
export * from './folder-lock.ts';
export * from './nats-bus.ts';
export * from './nats-server.ts';
export * from './open-context.ts';
export * from './private-file.ts';
export * from './projection.ts';
export * from './run-main.ts';
export * from './service.ts';
export * from './start-bus-service.ts';
export * from './http-bodies.ts';
export * from './http-problem.ts';
export { sendProblem } from './http-problem.filter.ts';
export * from './start-http.ts';
export * from './unread-bodies.ts';
