import { Module, type DynamicModule } from '@nestjs/common';
import { RENTAL_PARTS, RentalController, type RentalParts } from './rental/rental.controller.ts';

@Module({})
export class RentalModule {
  static with(parts: RentalParts): DynamicModule {
    return { module: RentalModule, controllers: [RentalController], providers: [{ provide: RENTAL_PARTS, useValue: parts }] };
  }
}
