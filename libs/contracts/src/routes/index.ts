import { accountRoutes } from './account.ts';
import { adminRoutes } from './admin.ts';
import { fileRoutes } from './files.ts';
import { gpuRoutes } from './gpus.ts';
import { ledgerRoutes } from './ledger.ts';
import { orgRoutes } from './orgs.ts';
import type { Route } from './route.ts';
import { runRoutes } from './runs.ts';
import { serviceRoutes } from './service.ts';

export * from './account.ts';
export * from './admin.ts';
export * from './files.ts';
export * from './gpus.ts';
export * from './ledger.ts';
export * from './orgs.ts';
export * from './problems-of.ts';
export * from './query.ts';
export * from './route.ts';
export * from './runs.ts';
export * from './service.ts';
export * from './webdav.ts';

/** The whole REST contract, in the order of the documentation. */
export const routes = { ...serviceRoutes, ...accountRoutes, ...gpuRoutes, ...runRoutes, ...fileRoutes, ...adminRoutes, ...orgRoutes, ...ledgerRoutes } satisfies Record<string, Route>;
export type RouteName = keyof typeof routes;
