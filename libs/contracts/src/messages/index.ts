export * from './files.ts';
export * from './ledger.ts';
export * from './message.ts';
export * from './rental.ts';
export * from './runner.ts';
