/** The contract as OpenAPI 3.1, made from the routes: what client generators, API pages and agents read. */
import { z } from 'zod';
import { problemCodes, type ProblemCode } from './problem.ts';
import { problemsOf, routes, type OtherReply, type Route } from './routes/index.ts';

type Json = Record<string, unknown>;
type Io = 'input' | 'output';

const idempotencyKey = {
  name: 'Idempotency-Key', in: 'header', schema: { type: 'string', minLength: 1, maxLength: 128 },
  description: 'The same key and body gives the same result for 24 hours, with nothing done twice',
};
const lastEventId = { name: 'Last-Event-ID', in: 'header', schema: { type: 'string' }, description: 'Goes on after this event' };
const range = { name: 'Range', in: 'header', schema: { type: 'string' }, description: 'One range of bytes, such as `bytes=100-` or `bytes=-100`' };

/** `serverUrl`: where the API answers. */
export function openApi(serverUrl: string): Json {
  const schemas = new Schemas();
  const paths: Record<string, Json> = {};
  for (const [name, route] of Object.entries<Route>(routes)) (paths[route.path] ??= {})[route.method.toLowerCase()] = operation(name, route, schemas);
  return {
    openapi: '3.1.0',
    info: {
      title: 'kgpu', version: '1', summary: 'GPU dispatch that a research lab hosts itself', license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description: 'Rent a GPU with a container image, run commands in it, return it. The guide for agents and scripts is at `/AGENTS.md`.',
    },
    servers: [{ url: serverUrl }],
    tags: [...new Set(Object.values(routes).map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: { ...schemas.components(), Problem: problemSchema() },
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'A token `kgpu_…`' },
        password: { type: 'http', scheme: 'basic', description: 'The token as password, any user name' },
      },
    },
  };
}

function operation(name: string, route: Route, schemas: Schemas): Json {
  return {
    operationId: name, tags: [route.tag], summary: route.summary, ...(route.description !== undefined && { description: route.description }),
    security: security(route),
    parameters: parameters(name, route, schemas),
    ...(route.body !== undefined && {
      requestBody: { required: !route.body.safeParse(undefined).success, content: { 'application/json': { schema: schemas.of(`${name}.body`, 'input') } } },
    }),
    ...(route.takesBytes === true && { requestBody: { required: false, content: { '*/*': { schema: { type: 'string', format: 'binary' } } } } }),
    responses: { ...replies(name, route, schemas), ...refusals(route) },
  };
}

function security({ auth }: Route): Json[] {
  const known = [{ token: [] }, { password: [] }];
  if (auth === 'none') return [];
  return auth === 'optional' ? [{}, ...known] : known;
}

function parameters(name: string, route: Route, schemas: Schemas): Json[] {
  const streams = Object.values(route.replies).some((reply) => isOther(reply) && reply.content.includes('text/event-stream'));
  return [
    ...(['path', 'query', 'header'] as const).flatMap((place) => {
      const { properties = {}, required = [] } = schemas.of(`${name}.${place}`, 'input') as { properties?: Record<string, Json>; required?: string[] };
      return Object.entries(properties).map(([parameter, { description, ...schema }]) => ({
        name: parameter, in: place, required: place === 'path' || required.includes(parameter), ...(description !== undefined && { description }), schema,
      }));
    }),
    ...(route.idempotent ? [idempotencyKey] : []),
    ...(streams ? [lastEventId] : []),
    ...(206 in route.replies ? [range] : []),
  ];
}

function replies(name: string, route: Route, schemas: Schemas): Json {
  return Object.fromEntries(Object.entries(route.replies).map(([status, reply]) => {
    if (!isOther(reply)) return [status, { description: 'As asked for', content: { 'application/json': { schema: schemas.of(`${name}.${status}`, 'output') } } }];
    const content = reply.content.map((type) => [type, { schema: type === 'application/json' ? schemas.of(`${name}.${status}`, 'output') : { type: 'string' } }]);
    return [status, { description: reply.description, content: Object.fromEntries(content) as Json }];
  }));
}

function refusals(route: Route): Json {
  const byStatus: Record<number, ProblemCode[]> = {};
  for (const code of problemsOf(route)) (byStatus[problemCodes[code][0]] ??= []).push(code);
  const content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
  return Object.fromEntries(Object.entries(byStatus).filter(([status]) => !(Number(status) in route.replies)).map(([status, codes]) =>
    [status, { description: codes.map((code) => `\`${code}\`: ${problemCodes[code][1]}`).join('. '), content }]));
}

function problemSchema(): Json {
  const text = { type: 'string' };
  return {
    type: 'object', required: ['type', 'title', 'status', 'code', 'detail'], additionalProperties: true,
    description: 'RFC 9457. Switch on `code`; further fields belong to the case.',
    properties: {
      type: text, title: text, status: { type: 'integer' }, code: { type: 'string', enum: Object.keys(problemCodes) }, detail: text,
      errors: { type: 'array', items: { type: 'object', required: ['pointer', 'message'], properties: { pointer: text, message: text } } },
    },
  };
}

/** Every schema of the contract, converted together so that those with an id become components and are referred to. */
class Schemas {
  readonly #converted = { input: convert('input'), output: convert('output') };

  /** A part of a route: `<route>.path`, `.query`, `.body` or `.<status>`; a reference where the schema has an id. */
  of(part: string, io: Io): Json {
    return this.#converted[io].parts[part] ?? {};
  }

  components(): Json {
    const bodies = Object.entries(this.#converted.input.parts).filter(([part]) => part.endsWith('.body')).map(([, schema]) => String(schema['$ref']).split('/').at(-1)!);
    const { input, output } = this.#converted;
    return Object.fromEntries(Object.entries(output.components).map(([id, schema]) => [id, bodies.includes(id) ? input.components[id] : schema]));
  }
}

// oxlint-disable-next-line no-underscore-dangle -- a registry has no other list of its schemas
const named = z.globalRegistry._idmap;

function convert(io: Io): { components: Record<string, Json>; parts: Record<string, Json> } {
  const registry = z.registry<{ id: string }>();
  const parts = Object.entries<Route>(routes).flatMap(([name, route]) => partsOf(name, route));
  for (const [id, schema] of named) registry.add(schema, { id });
  for (const [part, schema] of parts) if (!registry.has(schema)) registry.add(schema, { id: part });
  const { schemas } = z.toJSONSchema(registry, { uri: (id) => `#/components/schemas/${id}`, target: 'draft-2020-12', io, unrepresentable: 'any', override: ({ jsonSchema }) => plain(jsonSchema as Json, io) });
  const clean = Object.fromEntries(Object.entries(schemas).map(([id, { $schema: _schema, $id: _id, ...schema }]) => [id, schema as Json]));
  return {
    components: Object.fromEntries(Object.entries(clean).filter(([id]) => named.has(id))),
    parts: Object.fromEntries(parts.map(([part, schema]) => {
      const id = registry.get(schema)!.id;
      return [part, named.has(id) ? { $ref: `#/components/schemas/${id}` } : clean[id]!];
    })),
  };
}

function partsOf(name: string, { params, query, body, fields, replies: all }: Route): [string, z.ZodType][] {
  const given: [string, z.ZodType | undefined][] = [[`${name}.path`, params], [`${name}.query`, query], [`${name}.header`, fields], [`${name}.body`, body]];
  const replied = Object.entries(all).map(([status, reply]): [string, z.ZodType | undefined] => [`${name}.${status}`, isOther(reply) ? reply.json : reply]);
  return [...given, ...replied].filter((part): part is [string, z.ZodType] => part[1] !== undefined);
}

/** What client generators stumble over: the pattern of a date, numbers described as text, replies that may never grow a field. */
function plain(schema: Json, io: Io): void {
  if ('format' in schema || schema['type'] === 'integer' || schema['type'] === 'number') delete schema['pattern'];
  if (typeof schema['default'] === 'string' && (schema['type'] === 'integer' || schema['type'] === 'number')) schema['default'] = Number(schema['default']);
  if (io === 'output' && schema['additionalProperties'] === false) delete schema['additionalProperties'];
}

function isOther(reply: z.ZodType | OtherReply): reply is OtherReply {
  return 'content' in reply;
}
