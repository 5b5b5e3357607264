export { categoryOf, WrongRevision } from './event-store.ts';
export type {
  AppendOptions, AppendResult, EventFilter, EventMetadata, EventStore, Expected, ForgettingEventStore, FoundCommit, NewEvent,
  ReadAllOptions, ReadOptions, RecordedEvent, SubscribeOptions, Subscription,
} from './event-store.ts';
export { CommandHandler } from './handle-command.ts';
export type { CommandOptions, Decider, DomainEvent, EventCodec, Handled, HandlerOptions, Loaded } from './handle-command.ts';
export { MemoryEventStore, MemoryLog } from './memory-event-store.ts';
export { openEventStore } from './open-event-store.ts';
export { SqliteEventStore } from './sqlite-event-store.ts';
export type { SqliteOptions } from './sqlite-event-store.ts';
