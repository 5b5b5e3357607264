import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { objectStoreContract } from './object-store.contract.ts';
import { serveDiskStore } from './testing/serve-objects.ts';

objectStoreContract('a folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kgpu-objects-'));
  const { store, close } = await serveDiskStore(join(folder, 'objects'));
  return {
    store,
    close: async () => {
      await close();
      await rm(folder, { recursive: true });
    },
  };
});
