import { Module, type DynamicModule } from '@nestjs/common';
import { AccountController } from './account/account.controller.ts';
import { PeopleController } from './admin/people.controller.ts';
import { RentalsController } from './admin/rentals.controller.ts';
import { ClientAddress } from './drives/client-address.ts';
import { DriveFacts } from './drives/drive-facts.ts';
import { DriveReader } from './drives/drive-reader.ts';
import { FilesController } from './drives/files.controller.ts';
import { OrgsController } from './drives/orgs.controller.ts';
import { ClusterSummary } from './gpus/cluster-summary.ts';
import { RentalHistory } from './gpus/rental-history.ts';
import { GpusController } from './gpus/gpus.controller.ts';
import { Door } from './http/door.ts';
import { LiveStreams } from './http/live-streams.ts';
import { Parts } from './http/parts.ts';
import { Identity } from './identity/identity.ts';
import { People } from './identity/people.projection.ts';
import { LedgerController } from './ledger/ledger.controller.ts';
import { StatementController } from './ledger/statement.controller.ts';
import { RunEvents } from './runs/run-events.ts';
import { RunLog } from './runs/run-log.ts';
import { RunOutputController } from './runs/run-output.controller.ts';
import { RunsController } from './runs/runs.controller.ts';
import { Documents } from './service/documents.ts';
import { Monitor } from './service/monitor.ts';
import { ServiceController } from './service/service.controller.ts';

export const controllers = [ServiceController, AccountController, GpusController, RunsController, RunOutputController, PeopleController, RentalsController, StatementController, LedgerController, FilesController, OrgsController];

/** What the controllers are given: one object of each class. */
type Provided = [Door, Parts, LiveStreams, ClusterSummary, RentalHistory, RunLog, RunEvents, People, Identity, Documents, Monitor, DriveReader, DriveFacts, ClientAddress];

@Module({})
export class GatewayModule {
  static with(...provided: Provided): DynamicModule {
    return { module: GatewayModule, controllers, providers: provided.map((value) => ({ provide: value.constructor, useValue: value })) };
  }
}
