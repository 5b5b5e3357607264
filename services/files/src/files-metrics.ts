import { Gauge, type Registry } from 'prom-client';
import { reservedBytes } from './drive/drive.ts';
import type { Drives } from './drive/drives.projection.ts';
import type { Operations } from './operation/operations.ts';
import type { OrgDirectory } from './org/orgs.ts';

/** Sums over all drives: a label for each would be one for each user. */
export function measure(registry: Registry, drives: Drives, directory: OrgDirectory, operations: Operations): void {
  const gauge = (name: string, help: string, value: () => number) => {
    // A service that is started again in one process measures anew.
    registry.removeSingleMetric(name);
    new Gauge({
      name, help, registers: [registry],
      collect() {
        this.set(value());
      },
    });
  };
  const sum = (of: (state: Parameters<typeof reservedBytes>[0]) => number) => () => {
    let total = 0;
    for (const [, { state }] of drives) total += of(state);
    return total;
  };
  gauge('kgpu_files_used_bytes', 'Bytes of all drives, as they count', sum(({ usedBytes }) => usedBytes));
  gauge('kgpu_files_reserved_bytes', 'Bytes that are held for uploads and copies under way', sum(reservedBytes));
  gauge('kgpu_files_open_uploads', 'Uploads under way', sum(({ uploads }) => uploads.size));
  gauge('kgpu_files_open_operations', 'Deletions and transfers under way', () => operations.count);
  gauge('kgpu_files_orgs', 'Orgs', () => directory.slugs.length);
}
