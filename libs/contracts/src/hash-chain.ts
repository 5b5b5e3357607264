import { hash } from 'node:crypto';

/**
 * The hash that chains a fact to the one before: SHA-256 over the hash before, the type, and the data without its own two
 * hashes, with the fields in alphabetical order. 64 hex digits. `previous` is `''` for the first fact.
 */
export function chainHash(previous: string, type: string, data: object): string {
  const fields = data as Record<string, unknown>;
  const names = Object.keys(fields).filter((name) => name !== 'hash' && name !== 'prev_hash').sort();
  return hash('sha256', JSON.stringify([previous, type, names.map((name) => [name, fields[name]])]), 'hex');
}

/** The data of a fact as it is recorded after the fact with the hash `previous`. */
export function chained<D extends object>(previous: string, type: string, data: D): D & { prev_hash: string; hash: string } {
  return { ...data, prev_hash: previous, hash: chainHash(previous, type, data) };
}
