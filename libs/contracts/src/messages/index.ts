export * from './message.ts';
export * from './rental.ts';
export * from './runner.ts';
export * from './ledger.ts';
