/**
 * A process of its own for the crash test: `node crash-writer.js <folder> <name>` puts, replaces, copies and deletes objects
 * until it is killed, and prints a line of JSON for each change that was acknowledged.
 */
import { writeSync } from 'node:fs';
import { DiskObjectStore } from './disk-object-store.ts';
import { bodyOf } from './testing/bytes.ts';

/** What the key holds from now on; null: nothing. Each key is written by one loop only. */
export interface Acknowledged {
  key: string;
  content: { size: number; byte: number } | null;
}

const atOnce = 8;
const [folder, name] = process.argv.slice(2);
const store = await DiskObjectStore.open({ folder: folder!, baseUrl: 'http://localhost', secret: 'a secret of thirty-two characters' });

async function change(number: number, loop: number): Promise<Acknowledged> {
  const key = `${name}/${loop}/${number % 5}`;
  if (number % 7 === 6) {
    await store.deleteMany([key]);
    return { key, content: null };
  }
  const content = { size: 1 + ((number * 7_919) % 200_000), byte: number % 256 };
  const bytes = Buffer.alloc(content.size, content.byte);
  await store.put(key, bodyOf(bytes.subarray(0, 1_000), bytes.subarray(1_000)), content.size);
  return { key, content };
}

await Promise.all(Array.from({ length: atOnce }, async (_, loop) => {
  for (let number = 0; ; number++) writeSync(1, `${JSON.stringify(await change(number, loop))}\n`);
}));
