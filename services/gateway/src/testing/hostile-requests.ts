/** Everything that a client can get wrong, for every route of the contract: made from the schemas, so new routes are walked, too. */
import { routes, webdavRoutes, type Route } from '@kgpu/contracts';
import { z } from 'zod';
import type { HostileRequest } from './hostile-request.ts';
import { hostileWebdav } from './hostile-webdav.ts';

type Json = Record<string, unknown>;

const json = { 'content-type': 'application/json' };
const ids: Record<string, string> = {
  gpu_id: 'gpu-1-260517010000-0123abcd', run_id: 'run-1-260517010000-0123abcd', user_id: '1', token_id: '0123456789abcdef',
  path: 'hostile.bin', key: 'hostile.bin', org: 'nolab', slug: 'nolab', upload_id: '0123456789abcdef',
};
const hostilePathParts = ['x', '0', '-1', '%00', '%2F', '%zz', '%', '%c3%28', '..%2f..', '%E2%80%AE', "'%20OR%201=1--", 'a'.repeat(1_500), 'a'.repeat(3_000), '9'.repeat(30), '__proto__', 'constructor'];
/** What a path of files may try: to leave its drive, to be read in two ways, to be longer than a key. */
const hostileRests = [
  '', '.', '..', './', '../', 'a/../b', 'a/./b', 'a//b', '//', '/a', 'a/', 'a/..', '%2e%2e', '%2E%2E/x', 'a%2Fb', '%2fetc%2fpasswd', '%5C', '..%5C..', 'a%00b', '%00', 'a%0Ab', '%7F', '%ff', '%zz', '%',
  '%u0041', '%E2%80%A8', '%ED%A0%80', 'a'.repeat(256), 'a/'.repeat(600), '%F0%9F%98%80'.repeat(63), `${'%C3%A9'.repeat(100)}/`.repeat(5), 'shared', 'shared/', 'shared/nolab/x', 'shared/..', 'registered', 'x/registered',
  'x;y=1', 'a%20b', 'a+b', '~', '*', "'%22<script>", '__proto__', 'constructor/prototype',
];
const hostileTexts = ['', 'x', '-1', '0', '1e9', '0x10', 'NaN', 'Infinity', '9'.repeat(400), '%00', '%zz', '%c3%28', '[]', '{}', 'true', 'null', '2026-13-45T00:00:00Z', 'a'.repeat(5_000)];
const hostileValues: unknown[] = [
  null, true, 0, -1, 1e308, 0.1, '', 'x', '\0', '\ud800', 'a'.repeat(300_000), [], [null], [[[]]], {}, { x: { y: 1 } }, ['x'.repeat(200_000)], Array.from({ length: 2_000 }, () => 'a'), { '': '' },
];

/** All of them, as somebody with every right would send them. */
export function* hostileRequests(): Generator<HostileRequest> {
  for (const route of [...Object.values<Route>(routes), ...Object.values<Route>(webdavRoutes)]) {
    const known = knownPath(route);
    const valid = validBody(route);
    const base = { route, method: route.method, path: known, headers: valid === null ? {} : json, body: valid };
    yield* paths(route).map((path) => ({ ...base, what: `path ${path.slice(0, 60)}`, path }));
    yield* queries(route).map((query) => ({ ...base, what: `query ${query.slice(0, 60)}`, path: `${known}?${query}` }));
    yield* headers().map((given) => ({ ...base, what: `headers ${JSON.stringify(given).slice(0, 60)}`, headers: { ...base.headers, ...given } }));
    yield* ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'BREW'].filter((method) => method !== route.method)
      .map((method) => ({ ...base, what: `method ${method}`, method, body: null, headers: {} }));
    if (Object.values<Route>(webdavRoutes).includes(route)) yield* hostileWebdav(base);
    if (route.body !== undefined) yield* bodies(route).map(([what, body, type]) => ({ ...base, what: `body ${what}`, body, headers: type === null ? {} : { 'content-type': type } }));
  }
}

function knownPath({ path }: Pick<Route, 'path'>): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => ids[name]!);
}

function paths({ path, rest }: Route): string[] {
  if (!path.includes('{')) return [`${path}/`, `${path}/x`, `/${path}`, `${path}%00`, `${path};x=1`, path.toUpperCase()];
  if (rest !== undefined) return [...hostileRests, ...hostilePathParts].map((part) => knownPath({ path: path.replace(`{${rest}}`, part) }));
  return hostilePathParts.map((part) => path.replace(/\{\w+\}/g, part));
}

function queries(route: Route): string[] {
  const names = Object.keys((route.query as { shape?: object } | undefined)?.shape ?? {});
  return [
    'unknown=1', '=', '&&&', '%zz=1', '__proto__=1', 'constructor[prototype]=1', 'a'.repeat(10_000),
    ...names.flatMap((name) => [...hostileTexts.map((text) => `${name}=${text}`), name, `${name}=1&${name}=2`, `${name}[]=1`, `${name}[x]=1`]),
  ];
}

function headers(): Record<string, string>[] {
  return [
    { 'idempotency-key': '' }, { 'idempotency-key': 'x'.repeat(200) }, { 'x-request-id': '<script>' }, { 'x-request-id': 'x'.repeat(5_000) },
    { authorization: 'Bearer' }, { authorization: 'Basic %%%' }, { authorization: `Bearer ${'x'.repeat(5_000)}` }, { accept: ',;q=,*/' }, { accept: 'x/y' },
    { range: 'bytes=9-1' }, { range: 'lines=1-2' }, { 'last-event-id': 'garbage' }, { 'x-large': 'x'.repeat(100_000) }, { expect: '100-continue' }, { expect: 'nonsense' },
    { 'transfer-encoding': 'chunked' }, { upgrade: 'websocket', connection: 'upgrade' }, { host: 'a b' }, { 'accept-encoding': 'nonsense' },
  ];
}

function validBody(route: Route): string | null {
  if (route.body === undefined) return null;
  const [valid] = [{ image: 'debian:12', dry_run: true }, { gpu_id: ids['gpu_id'], command: ['true'] }, { email: 'hostile@lab.org' }, { slug: 'hostile', name: 'Hostile', owner_user_id: 1 }, { user_id: 1, role: 'member' }, {}, { credits: 1 }].filter((body) => route.body!.safeParse(body).success);
  return JSON.stringify(valid ?? {});
}

function bodies(route: Route): [what: string, body: string | Buffer, type: string | null][] {
  const valid = JSON.parse(validBody(route)!) as Json;
  const { properties = {} } = z.toJSONSchema(route.body!, { io: 'input', unrepresentable: 'any' }) as { properties?: Json };
  const wrongFields = Object.keys(properties).flatMap((name) => [
    ...hostileValues.map((value): [string, string, string] => [`${name} = ${JSON.stringify(value).slice(0, 30)}`, JSON.stringify({ ...valid, [name]: value }), json['content-type']]),
    [`without ${name}`, JSON.stringify(Object.fromEntries(Object.entries(valid).filter(([key]) => key !== name))), json['content-type']] as [string, string, string],
  ]);
  const texts = ['', 'null', 'true', '1', '"x"', '[]', '[{}]', '{', '{"a":', '{"a":1}}', 'NaN', "{'a':1}", '\u0000', '{"a":1e999}', '{"__proto__":{"x":1}}', '['.repeat(50_000), '{"a":'.repeat(20_000), '{"unknown":1}'];
  return [
    ...wrongFields,
    ...texts.map((text): [string, string, string] => [text.slice(0, 30), text, json['content-type']]),
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), json['content-type']],
    ['too large', `{"x":"${'a'.repeat(5 * 1024 * 1024)}"}`, json['content-type']],
    ...['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonx', ';', 'application/json; charset=utf-16'].map((type): [string, string, string] => [`as ${type}`, JSON.stringify(valid), type]),
    ['of no type', JSON.stringify(valid), null],
  ];
}
