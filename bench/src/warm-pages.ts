import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const CHUNK = Buffer.alloc(4 * 1_048_576, 'x');

/**
 * Lets the system have `bytes` of memory that is free and there. A virtual machine may give freed memory back to its host within
 * seconds, and then pays for every page that it takes again (2 ms per MB were seen): more than all that is to be measured, and by
 * chance. To be called right before each of the things that are compared.
 */
export function warmPages(bytes: number): void {
  const folder = mkdtempSync(join(tmpdir(), 'kgpu-bench-warm-'));
  const file = openSync(join(folder, 'pages'), 'w');
  for (let written = 0; written < bytes; written += CHUNK.length) writeSync(file, CHUNK);
  closeSync(file);
  rmSync(folder, { recursive: true });
}
