export * from './object-store.contract.ts';
export * from './testing/bytes.ts';
export * from './testing/opened-object-store.ts';
export * from './testing/serve-objects.ts';
export * from './testing/start-seaweed.ts';
