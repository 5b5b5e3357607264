import { Module, type DynamicModule } from '@nestjs/common';
import { LedgerController } from './ledger.controller.ts';
import { Ledger } from './ledger.ts';

@Module({})
export class LedgerModule {
  static with(ledger: Ledger): DynamicModule {
    return { module: LedgerModule, controllers: [LedgerController], providers: [{ provide: Ledger, useValue: ledger }] };
  }
}
