import { Module, type DynamicModule } from '@nestjs/common';
import { AccountController } from './account/account.controller.ts';
import { PeopleController } from './admin/people.controller.ts';
import { RentalsController } from './admin/rentals.controller.ts';
import { ClusterSummary } from './gpus/cluster-summary.ts';
import { GpusController } from './gpus/gpus.controller.ts';
import { Door } from './http/door.ts';
import { Parts } from './http/parts.ts';
import { Identity } from './identity/identity.ts';
import { People } from './identity/people.projection.ts';
import { RunsController } from './runs/runs.controller.ts';
import { Documents } from './service/documents.ts';
import { Monitor } from './service/monitor.ts';
import { ServiceController } from './service/service.controller.ts';

export const controllers = [ServiceController, AccountController, GpusController, RunsController, PeopleController, RentalsController];

/** What the controllers are given. */
export interface Provided {
  door: Door;
  parts: Parts;
  summary: ClusterSummary;
  people: People;
  identity: Identity;
  documents: Documents;
  monitor: Monitor;
}

@Module({})
export class GatewayModule {
  static with({ door, parts, summary, people, identity, documents, monitor }: Provided): DynamicModule {
    return {
      module: GatewayModule,
      controllers,
      providers: [
        { provide: Door, useValue: door }, { provide: Parts, useValue: parts }, { provide: ClusterSummary, useValue: summary },
        { provide: People, useValue: people }, { provide: Identity, useValue: identity },
        { provide: Documents, useValue: documents }, { provide: Monitor, useValue: monitor },
      ],
    };
  }
}
