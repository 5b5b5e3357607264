import { Controller } from '@nestjs/common';
import { ListRentals, routes } from '@kgpu/contracts';
import { endRental } from '../gpus/rental-of.ts';
import { withStandings } from '../gpus/standings.ts';
import type { Given } from '../http/given.ts';
import { Handles } from '../http/handles.ts';
import { Parts } from '../http/parts.ts';

@Controller()
export class RentalsController {
  constructor(private readonly parts: Parts) {}

  @Handles(routes.listAllGpus)
  async list(given: Given<typeof routes.listAllGpus>) {
    const { state, limit, cursor = null } = given.query;
    const { rentals, next_cursor } = await this.parts.ask(ListRentals, { user_id: null, state, limit, cursor }, given);
    return { gpus: await withStandings(this.parts, given, rentals), next_cursor };
  }

  @Handles(routes.forceReturn)
  async forceReturn(given: Given<typeof routes.forceReturn>) {
    return endRental(this.parts, given, { gpuId: given.params.gpu_id, userId: null, reason: 'admin_returned' });
  }
}
