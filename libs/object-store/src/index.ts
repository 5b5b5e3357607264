export * from './byte-range.ts';
export * from './disk-object-http.ts';
export * from './disk-object-store.ts';
export * from './http-conditions.ts';
export * from './object-key.ts';
export * from './object-store.ts';
export * from './open-object-store.ts';
export * from './s3-object-store.ts';
