/** What benches and demos of the ledger are made of. */
export { audit, claimOf } from './audit/audit.ts';
export { ClockAlarm } from './deadlines/alarm.ts';
export { openEngine, type Engine } from './engine.ts';
export { replay } from './replay/replay.ts';
