import type { FileHandle } from 'node:fs/promises';
import type { Piece } from './disk-index.ts';
import type { ObjectFiles } from './object-files.ts';

export interface OpenedPieces {
  chunks: AsyncIterable<Uint8Array>;
  /** Lets go of the file, also when nothing was read. */
  close(): void;
}

/** Bytes `first` to `last` (it included) of the pieces one after another. Rejects when the first file isn't there. */
export async function openPieces(files: ObjectFiles, pieces: readonly Piece[], first: number, last: number): Promise<OpenedPieces> {
  const slices = slicesOf(pieces, first, last);
  let file: FileHandle | null = slices.length === 0 ? null : await files.open(slices[0]!.name);
  const close = (): void => {
    file?.close().catch(() => {});
    file = null;
  };
  async function* read(): AsyncGenerator<Uint8Array, void, void> {
    try {
      for (const { name, start, end } of slices) {
        file ??= await files.open(name);
        yield* file.createReadStream({ start, end, highWaterMark: 256 * 1024, autoClose: false }) as AsyncIterable<Uint8Array>;
        close();
      }
    } finally {
      close();
    }
  }
  return { chunks: read(), close };
}

function slicesOf(pieces: readonly Piece[], first: number, last: number): { name: string; start: number; end: number }[] {
  let offset = 0;
  return pieces.flatMap(([name, size]) => {
    const start = Math.max(first - offset, 0);
    const end = Math.min(last - offset, size - 1);
    offset += size;
    return start <= end ? [{ name, start, end }] : [];
  });
}
