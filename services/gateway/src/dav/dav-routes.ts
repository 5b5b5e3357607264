/** The methods of WebDAV, as routes of `/v1/files/`. */
import { webdavRoutes, type Route } from '@kgpu/contracts';
import { driveRoute, type DriveGiven, type DriveRoute } from '../drives/drive-scope.ts';
import type { Result } from '../http/result.ts';
import type { DavParts, DavRequest } from './dav-request.ts';
import { lock, unlock } from './lock.ts';
import { mkcol } from './mkcol.ts';
import { options } from './options.ts';
import { propfind } from './propfind.ts';
import { proppatch } from './proppatch.ts';
import { transfer } from './transfer.ts';

type DavRoute = (typeof webdavRoutes)[keyof typeof webdavRoutes];

export function davRoutes(parts: DavParts): DriveRoute[] {
  const bind = (route: DavRoute, act: (request: DavRequest, parts: DavParts) => Result | Promise<Result>): DriveRoute =>
    driveRoute<Route & DavRoute>(route, async (given) => act(requestOf(given, parts), parts));
  return [
    bind(webdavRoutes.davOptions, options),
    bind(webdavRoutes.davPropfind, propfind),
    bind(webdavRoutes.davProppatch, proppatch),
    bind(webdavRoutes.davMkcol, mkcol),
    bind(webdavRoutes.davCopy, (request) => transfer('copy', request, parts)),
    bind(webdavRoutes.davMove, (request) => transfer('move', request, parts)),
    bind(webdavRoutes.davLock, lock),
    bind(webdavRoutes.davUnlock, unlock),
  ];
}

function requestOf({ request, headers, bytes, rawPath, caller, requestId, command, params }: DriveGiven<DavRoute>, { access }: DavParts): DavRequest {
  return { raw: request, headers, bytes, rawPath, caller, requestId, commandId: command.id, place: access.inFiles(caller, params.path) };
}
