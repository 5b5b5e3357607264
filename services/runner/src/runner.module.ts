import { Module, type DynamicModule } from '@nestjs/common';
import { RUN_PARTS, RunController, type RunParts } from './run/run.controller.ts';

@Module({})
export class RunnerModule {
  static with(parts: RunParts): DynamicModule {
    return { module: RunnerModule, controllers: [RunController], providers: [{ provide: RUN_PARTS, useValue: parts }] };
  }
}
