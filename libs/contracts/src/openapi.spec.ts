import { describe, expect, it } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { openApi } from './openapi.ts';
import { routes, type Route } from './routes/index.ts';

const document = openApi('http://127.0.0.1:8080');
const text = JSON.stringify(document);

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1 to a validator that is not ours', async () => {
    const result = await new Validator().validate(structuredClone(document));
    expect(result).toEqual(expect.objectContaining({ valid: true }));
  });

  it('has one operation for each route, with an id of its own', () => {
    const paths = document['paths'] as Record<string, Record<string, { operationId: string }>>;
    const operations = Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, { operationId }]) => [operationId, `${method.toUpperCase()} ${path}`]));
    expect(Object.fromEntries(operations)).toEqual(Object.fromEntries(Object.entries<Route>(routes).map(([name, { method, path }]) => [name, `${method} ${path}`])));
  });

  it('refers to components that exist', () => {
    const { schemas } = document['components'] as { schemas: object };
    const referred = [...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, id]) => id!);
    expect(Object.keys(schemas)).toEqual(expect.arrayContaining([...new Set(referred)]));
    expect(text).not.toContain('$defs');
  });

  it('names every path parameter in the path', () => {
    for (const [path, methods] of Object.entries(document['paths'] as Record<string, Record<string, { parameters: { name: string; in: string }[] }>>)) {
      for (const { parameters } of Object.values(methods)) {
        expect(parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name)).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
      }
    }
  });

  it('tells every route that answers with a part of the bytes to take a range', () => {
    const headers = (path: string) => ((document['paths'] as Record<string, { get: { parameters: { name: string; in: string }[] } }>)[path]!.get.parameters).filter((parameter) => parameter.in === 'header').map(({ name }) => name);
    expect([headers('/v1/runs/{run_id}/logs'), headers('/v1/files/{path}'), headers('/v1/runs/{run_id}')]).toEqual([['Range'], ['Range'], []]);
  });

  it('has no pattern beside a format, which breaks generated clients on every date', () => {
    expect(text).not.toMatch(/"format":"date-time","pattern"/);
    expect(text).toMatch(/"format":"date-time"/);
  });
});
