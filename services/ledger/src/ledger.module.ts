import { Module, type DynamicModule } from '@nestjs/common';
import { AccountController } from './account.controller.ts';
import { AdminController } from './admin.controller.ts';
import { DeadlineController } from './deadline.controller.ts';
import { Ledger } from './ledger.ts';
import { Replays } from './replay/replays.ts';

@Module({})
export class LedgerModule {
  static with(ledger: Ledger, replays: Replays): DynamicModule {
    return {
      module: LedgerModule,
      controllers: [AccountController, DeadlineController, AdminController],
      providers: [{ provide: Ledger, useValue: ledger }, { provide: Replays, useValue: replays }],
    };
  }
}
