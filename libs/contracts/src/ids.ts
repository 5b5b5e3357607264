import { createHash, randomBytes } from 'node:crypto';

/** `260517010000` for 2026-05-17T01:00:00Z: the time part of rental and run ids. */
function compactTime(at: Date): string {
  return at.toISOString().replace(/[-:T]/g, '').slice(2, 14);
}

/**
 * `gpu-<user>-<yymmddhhmmss>-<random>`: at most 63 characters, a DNS label, so that it can name a container or pod.
 * A command that may be given twice says its id as `seed`: the same command names the same rental.
 */
export function newGpuId(userId: number, at: Date, seed?: string): string {
  return `gpu-${userId}-${compactTime(at)}-${randomPart(seed)}`;
}

/** `run-<user>-<yymmddhhmmss>-<random>`; `seed` as for rentals. */
export function newRunId(userId: number, at: Date, seed?: string): string {
  return `run-${userId}-${compactTime(at)}-${randomPart(seed)}`;
}

function randomPart(seed: string | undefined): string {
  return seed === undefined ? randomBytes(4).toString('hex') : derivedId('id', seed).slice(0, 8);
}

/** `kgpu_` and 48 hex digits: 192 random bits. */
export function newToken(): string {
  return `kgpu_${randomBytes(24).toString('hex')}`;
}

export const tokenPattern = /^kgpu_[0-9a-f]{48}$/;

/** What is stored of a token. A token has 192 random bits, so a plain hash is enough: there is nothing to guess. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** A stable id made of its parts: the same parts give the same id. 32 hex digits. */
export function derivedId(...parts: readonly (string | number)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}

/** The user part of a rental or run id; null when the text is no such id. */
export function userOfId(id: string): number | null {
  const match = /^(?:gpu|run)-(\d{1,10})-\d{12}-[0-9a-f]{8}$/.exec(id);
  return match ? Number(match[1]) : null;
}
