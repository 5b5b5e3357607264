import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DiskObjectStore } from '@kgpu/object-store';

/** Puts names of files into the index of a data folder's store, without bytes: what looking at many files costs is all that is measured. */
export async function fillDrive(dataFolder: string, keys: Iterable<string>): Promise<void> {
  const folder = join(dataFolder, 'objects');
  await (await DiskObjectStore.open({ folder, baseUrl: 'http://localhost', secret: 'only to make the folder, long enough' })).close();
  const index = new DatabaseSync(join(folder, 'index.db'));
  const insert = index.prepare("INSERT INTO objects (key, object_id, size, etag, content_type, modified_ms, pieces) VALUES (?, ?, 1000, 'd41d8cd98f00b204e9800998ecf8427e', 'text/csv', 1780000000000, '[]')");
  index.exec('BEGIN');
  let n = 0;
  for (const key of keys) insert.run(key, `bench-${n++}`);
  index.exec('COMMIT');
  index.close();
}
