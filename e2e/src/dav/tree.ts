/** What is in folders and buckets, to compare. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ObjectStore } from '@kgpu/object-store';

/** Path → what it holds: the hash of a file, `folder` of an empty folder. */
export type Tree = Record<string, string>;

/** Of a folder of this machine. */
export function treeOf(folder: string): Tree {
  const tree: Tree = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name).slice(folder.length + 1).normalize('NFC');
    if (entry.isFile()) tree[path] = hashOf(readFileSync(join(entry.parentPath, entry.name)));
    else if (readdirSync(join(entry.parentPath, entry.name)).length === 0) tree[path] = 'folder';
  }
  return tree;
}

/** Of a bucket, below a prefix. Markers of folders that hold something say nothing. */
export async function treeIn(store: ObjectStore, prefix: string): Promise<Tree> {
  const tree: Tree = {};
  const { objects } = await store.list({ prefix });
  for (const { key } of objects) {
    const path = key.slice(prefix.length);
    if (path === '') continue;
    if (path.endsWith('/')) {
      if (!objects.some((other) => other.key !== key && other.key.startsWith(key))) tree[path.slice(0, -1)] = 'folder';
      continue;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of (await store.get(key))!.body) chunks.push(chunk as Buffer);
    tree[path] = hashOf(Buffer.concat(chunks));
  }
  return tree;
}

function hashOf(bytes: Buffer): string {
  return `${bytes.length}:${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`;
}
