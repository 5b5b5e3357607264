import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { handleObjectRequest } from '../disk-object-http.ts';
import type { ObjectRequestOptions } from '../disk-object-http.ts';
import { DiskObjectStore } from '../disk-object-store.ts';

/** A disk store in this folder, whose URLs a small server of its own serves on a free loopback port. */
export async function serveDiskStore(folder: string, options: ObjectRequestOptions = {}): Promise<{ store: DiskObjectStore; baseUrl: string; close(): Promise<void> }> {
  let baseUrl = '';
  const store = await DiskObjectStore.open({ folder, baseUrl: () => baseUrl, secret: 'a secret of thirty-two characters' });
  const server = createServer((req, res) => void handleObjectRequest(store, req, res, options));
  server.on('checkContinue', (req, res) => void handleObjectRequest(store, req, res, { ...options, awaitsContinue: true }));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    await store.close();
  };
  return { store, baseUrl, close };
}
