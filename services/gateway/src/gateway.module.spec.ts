import { describe, expect, it } from '@jest/globals';
import { routes } from '@kgpu/contracts';
import { driveRoutes, type Drives } from './drives/drive-routes.ts';
import { controllers } from './gateway.module.ts';
import { routeOf } from './http/handles.ts';

const inScope = driveRoutes({} as Drives).map(({ route }) => route);
const handled = controllers.flatMap(({ prototype }) =>
  Object.getOwnPropertyNames(prototype).map((name) => routeOf((prototype as unknown as Record<string, object>)[name]!)).filter((route) => route !== undefined)).concat(inScope);
const signature = ({ method, path }: { method: string; path: string }) => `${method} ${path}`;

describe('the gateway', () => {
  it('handles every route of the contract exactly once, and no other', () => {
    expect(handled.map(signature).sort()).toEqual(Object.values(routes).map(signature).sort());
  });
});
