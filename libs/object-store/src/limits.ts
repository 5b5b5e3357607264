import { Problem } from '@kgpu/contracts';
import type { ListOptions } from './object-store.ts';

/** S3's limits, the same for every adapter. */
export const maxPutBytes = 5 * 1024 ** 3;
export const minPartBytes = 5 * 1024 ** 2;
const maxPartNumber = 10_000;
const maxExpirySeconds = 604_800;
export const defaultContentType = 'application/octet-stream';

export function checkPutSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 0) throw new Problem('invalid_request', 'The size of a body is a whole number of bytes');
  if (size > maxPutBytes) throw new Problem('payload_too_large', 'One request takes 5 GiB at most: upload it in parts');
}

export function checkPartNumber(partNumber: number): void {
  if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > maxPartNumber) throw new Problem('invalid_request', `Parts have numbers from 1 to ${maxPartNumber}`);
}

export function checkListing({ limit = 1_000, prefix = '' }: ListOptions): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > 1_000) throw new Problem('invalid_request', 'A page has 1 to 1,000 entries');
  if (!prefix.isWellFormed() || prefix.includes('\0')) throw new Problem('invalid_path', 'The prefix is not Unicode text');
}

export function checkExpiry(expiresSeconds: number): void {
  if (Number.isInteger(expiresSeconds) && expiresSeconds >= 1 && expiresSeconds <= maxExpirySeconds) return;
  throw new Problem('invalid_request', `A URL expires after 1 to ${maxExpirySeconds} seconds`);
}
