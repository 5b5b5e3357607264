/** kgpu as its parts, each a process that can be killed by itself, with a client of it. */
import { Parts, type PartsOptions } from '@kgpu/standalone/testing';
import { FrontDoor } from './front-door.ts';
import { returnAll } from './system.ts';

export interface Scene {
  parts: Parts;
  admin: FrontDoor;
  /** Returns all rentals, ends all parts, takes the folder away. */
  remove: () => Promise<void>;
}

export async function startParts(options: PartsOptions = {}): Promise<Scene> {
  const parts = await Parts.start(options);
  const admin = new FrontDoor(parts.url, parts.adminToken);
  return {
    parts, admin,
    async remove() {
      await returnAll(admin).catch(() => undefined);
      await parts.remove();
    },
  };
}
