import { createHmac } from 'node:crypto';

/**
 * The token of a rental: derived, so that a container made again after a crash gets the same one and only its hash is
 * ever stored.
 */
export function rentalToken(secret: Buffer, gpuId: string): string {
  return `kgpu_${createHmac('sha256', secret).update(`rental-token:${gpuId}`).digest('hex').slice(0, 48)}`;
}
