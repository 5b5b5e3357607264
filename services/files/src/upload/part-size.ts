const MIB = 1024 ** 2;
const MAX_PARTS = 10_000;

/** Bytes of each part but the last: about 1,000 parts of 16 to 64 MiB, larger ones only where 10,000 of these would not do. */
export function partBytes(size: number): number {
  const wished = Math.min(Math.max(wholeMib(size / 1_000), 16 * MIB), 64 * MIB);
  return Math.max(wished, wholeMib(size / MAX_PARTS));
}

/** For an upload that may become as large as the drive. Its parts wait in the gateway's memory, so they are small. */
export function partBytesOfStream(quotaBytes: number): number {
  return Math.max(8 * MIB, wholeMib(quotaBytes / MAX_PARTS));
}

export function partCount(size: number, bytesPerPart: number): number {
  return Math.max(1, Math.ceil(size / bytesPerPart));
}

/** Of part number 1, 2, …; the last one has what is left. */
export function sizeOfPart(number: number, size: number, bytesPerPart: number): number {
  return Math.min(bytesPerPart, size - (number - 1) * bytesPerPart);
}

function wholeMib(bytes: number): number {
  return Math.ceil(bytes / MIB) * MIB;
}
