export { eventStoreContract } from './event-store.contract.ts';
export { given } from './given.ts';
export type { Then, When } from './given.ts';
export type { OpenedStore, OpenStore } from './use-store.ts';
