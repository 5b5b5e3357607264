/** Which of the contract's routes is what, for paths of drives. Where several fit a path, the first one counts. */
import { routes } from '@kgpu/contracts';
import type { DriveAccess } from './drive-access.ts';
import type { DriveChanges } from './drive-changes.ts';
import { driveRoute, type DriveGiven, type DriveRoute } from './drive-scope.ts';
import type { DriveView } from './drive-view.ts';

export interface Drives {
  access: DriveAccess;
  view: DriveView;
  changes: DriveChanges;
}

export function driveRoutes({ access, view, changes }: Drives): DriveRoute[] {
  const inFiles = ({ caller, params }: Pick<DriveGiven<typeof routes.getFile>, 'caller' | 'params'>) => access.inFiles(caller, params.path);
  const inShared = ({ caller, params }: Pick<DriveGiven<typeof routes.getShared>, 'caller' | 'params'>) => access.inShared(caller, params.org, params.key);
  const looked = { query: { json: false } };
  return [
    driveRoute(routes.getFile, async (given) => view.get(inFiles(given), given)),
    driveRoute(routes.headFile, async (given) => view.head(inFiles(given), { ...given, ...looked })),
    driveRoute(routes.putFile, async (given) => changes.put(inFiles(given), given)),
    driveRoute(routes.postFile, async (given) => changes.post(inFiles(given), given)),
    driveRoute(routes.deleteFiles, async (given) => changes.delete(inFiles(given), given)),
    driveRoute(routes.listSharedDrives, async (given) => view.get(access.sharedDrives(given.caller), given)),
    driveRoute(routes.headSharedDrives, async (given) => view.head(access.sharedDrives(given.caller), { ...given, ...looked })),
    driveRoute(routes.getShared, async (given) => view.get(inShared(given), given)),
    driveRoute(routes.headShared, async (given) => view.head(inShared(given), { ...given, ...looked })),
    driveRoute(routes.putShared, async (given) => changes.put(inShared(given), given)),
    driveRoute(routes.registerShared, async (given) => changes.register(inShared(given), given)),
    driveRoute(routes.postShared, async (given) => changes.post(inShared(given), given)),
    driveRoute(routes.deleteShared, async (given) => changes.delete(inShared(given), given)),
  ];
}
