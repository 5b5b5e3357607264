/** The routes whose paths are files: their bodies are not read, and their paths are split as they were sent, before anything is decoded. */
import { Problem, type Route } from '@kgpu/contracts';
import { leaveBodiesUnread, letContinue } from '@kgpu/runtime';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import type { Door } from '../http/door.ts';
import type { Given } from '../http/given.ts';
import type { DeleteGuard } from './delete-guard.ts';
import { answer, problemResult } from './early-answer.ts';
import { steadyBody } from './steady-body.ts';

/** What a handler of these routes is given: its parameters as they were sent, and the body unread. */
export interface DriveGiven<R extends Route = Route> extends Given<R> {
  request: IncomingMessage;
  /** The path of the URL as it was sent. */
  rawPath: string;
  /** Lets a client that waits send its body, and reads it. */
  bytes: () => AsyncIterable<Uint8Array>;
}

export interface DriveRoute {
  route: Route;
  handle: (given: DriveGiven) => Promise<unknown>;
}

/** Binds a route of the contract to what handles it. */
export function driveRoute<R extends Route>(route: R, handle: (given: DriveGiven<R>) => Promise<unknown>): DriveRoute {
  return { route, handle };
}

/** What serves them: the same as every other request passes, and two guards of their own. */
export interface DriveDoor {
  door: Door;
  guard: DeleteGuard;
  log: Logger;
}

/** Serves the routes, the first that fits. For `prepare` of `startHttp`. */
export function serveDrives(fastify: FastifyInstance, { door, guard, log }: DriveDoor, routes: readonly DriveRoute[]): void {
  const tables = Map.groupBy(routes.map((entry) => ({ ...entry, pattern: patternOf(entry.route) })), ({ route }) => route.method);
  leaveBodiesUnread(fastify, (scope) => {
    for (const [method, table] of tables) {
      if (!scope.supportedMethods.includes(method)) scope.addHttpMethod(method, { hasBody: true });
      for (const url of new Set(table.flatMap(({ route }) => urlsOf(route)))) {
        scope.route({ method, url, exposeHeadRoute: false, handler: (request, reply) => serve(table, request, reply) });
      }
    }
  });

  async function serve(table: readonly (DriveRoute & { pattern: RegExp })[], request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const result = await guard.around(request, () => resultOf(table, request, reply)).catch((error: unknown) => problemResult(error, request.id, log));
    await answer(request, reply, result);
    return reply;
  }

  async function resultOf(table: readonly (DriveRoute & { pattern: RegExp })[], request: FastifyRequest, reply: FastifyReply) {
    const rawPath = request.raw.url!.split('?', 1)[0]!;
    for (const { route, pattern, handle } of table) {
      const found = pattern.exec(rawPath);
      if (found === null) continue;
      const params = Object.fromEntries(Object.entries(found.groups ?? {}).map(([name, value]: [string, string | undefined]) => [name, value ?? '']));
      const bytes = () => {
        letContinue(request.raw, reply.raw);
        return steadyBody(request.raw);
      };
      return door.answer(route, request, reply, (given) => handle({ ...given, request: request.raw, rawPath, bytes }), { params, query: request.query, body: undefined, headers: request.headers });
    }
    throw new Problem('route_not_found');
  }
}

/** `/v1/files/{path}` → a pattern of the raw path. */
function patternOf({ path, rest }: Route): RegExp {
  const source = path.split('/').map((part) => {
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    if (name === undefined) return RegExp.escape(part);
    return name === rest ? `(?<${name}>.*)` : `(?<${name}>[^/]*)`;
  }).join('/');
  // The folder that all of it lies in may be named without a slash.
  return new RegExp(`^${source}$`.replace(/\/(\(\?<\w+>\.\*\))?\$$/, '(?:/$1)?$'));
}

/** What Fastify calls them. */
function urlsOf({ path, rest }: Route): string[] {
  if (rest === undefined) return [path, path.replace(/(?<=.)\/$/, '')];
  return [`${path.slice(0, path.indexOf('{'))}*`];
}
