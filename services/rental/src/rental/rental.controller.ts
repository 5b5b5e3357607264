/** What the rental service answers on the bus. */
import {
  EndRental, ForecastRent, GetCluster, GetRental, ListRentals, Problem, RentGpu, type Asked, type MessageMeta, type OwnedRental, type ReplyOf,
} from '@kgpu/contracts';
import { Answers, waitAtMost, type Projection, type ServiceContext } from '@kgpu/runtime';
import { Controller, Inject } from '@nestjs/common';
import type { Nodes } from '../node/nodes.ts';
import { Renting } from './rent.ts';
import { RentalRecord } from './rental-record.ts';
import { viewRental } from './rental-view.ts';
import type { KnownRental } from './rental.ts';
import type { Rentals } from './rentals.projection.ts';

/** What the controller works with, made once at start. */
export interface RentalParts {
  context: ServiceContext;
  projection: Projection;
  rentals: Rentals;
  nodes: Nodes;
  record: RentalRecord;
  renting: Renting;
  defaultPrice: number;
}

export const RENTAL_PARTS = Symbol('rental parts');

@Controller()
export class RentalController {
  constructor(@Inject(RENTAL_PARTS) private readonly parts: RentalParts) {}

  @Answers(RentGpu)
  async rent(order: Asked<typeof RentGpu>, meta: MessageMeta): Promise<ReplyOf<typeof RentGpu>> {
    const position = await this.parts.renting.rent(order, meta);
    await this.parts.projection.reached(position);
    await this.#whileUnchanged(order.gpu_id, order.wait_seconds, (rental) => rental.status === 'pending');
    return { rental: this.#view(order.gpu_id, order.user_id), position };
  }

  @Answers(ForecastRent)
  async forecast(terms: Asked<typeof ForecastRent>, meta: MessageMeta): Promise<ReplyOf<typeof ForecastRent>> {
    await this.parts.projection.reached(meta.min_position);
    const { node, balance, burn_per_hour_credits, free } = await this.parts.renting.forecast(terms, meta);
    const price = node.price_per_hour_credits;
    return { would_rent: true, price_per_hour_credits: price, balance, hours_balance_lasts: Math.floor((balance / (price + burn_per_hour_credits)) * 100) / 100, free };
  }

  @Answers(EndRental)
  async end(order: Asked<typeof EndRental>, meta: MessageMeta): Promise<ReplyOf<typeof EndRental>> {
    await this.parts.projection.reached(meta.min_position);
    this.#owned(order.gpu_id, order.user_id);
    const position = await this.parts.record.record(
      order.gpu_id,
      { type: 'End', reason: order.reason, at: order.at === null ? null : new Date(order.at), message: order.message },
      { commitId: order.command_id, requestId: meta.request_id },
    );
    return { rental: this.#view(order.gpu_id, order.user_id), position };
  }

  @Answers(GetRental)
  async get({ gpu_id, user_id, wait_seconds }: Asked<typeof GetRental>, meta: MessageMeta): Promise<ReplyOf<typeof GetRental>> {
    await this.parts.projection.reached(meta.min_position);
    const { status } = this.#owned(gpu_id, user_id);
    await this.#whileUnchanged(gpu_id, wait_seconds, (rental) => rental.status === status && status !== 'ended');
    return { rental: this.#view(gpu_id, user_id) };
  }

  @Answers(ListRentals)
  async list({ user_id, state, limit, cursor }: Asked<typeof ListRentals>, meta: MessageMeta): Promise<ReplyOf<typeof ListRentals>> {
    await this.parts.projection.reached(meta.min_position);
    const page = this.parts.rentals.list({ userId: user_id, state, limit, cursor });
    return { rentals: page.rentals.map(viewRental), next_cursor: page.next_cursor };
  }

  @Answers(GetCluster)
  async cluster(_: Asked<typeof GetCluster>, meta: MessageMeta): Promise<ReplyOf<typeof GetCluster>> {
    await this.parts.projection.reached(meta.min_position);
    const nodes = await this.parts.nodes.list();
    return {
      cluster: nodes.map(({ name, gpu_model, gpu_busy, gpu_total, ready, price_per_hour_credits }) => ({ node: name, gpu_model, gpu_busy, gpu_total, ready, price_per_hour_credits })),
      active_total: this.parts.rentals.activeTotal,
      price_per_hour_credits: this.parts.defaultPrice,
    };
  }

  #view(gpuId: string, userId: number | null): OwnedRental {
    return viewRental(this.#owned(gpuId, userId));
  }

  #owned(gpuId: string, userId: number | null): KnownRental {
    const rental = this.parts.rentals.get(gpuId);
    if (rental === undefined || (userId !== null && rental.terms.user_id !== userId)) throw new Problem('gpu_not_found');
    return rental;
  }

  /** Waits as long as `same` holds, at most `seconds`. */
  async #whileUnchanged(gpuId: string, seconds: number, same: (rental: KnownRental) => boolean): Promise<void> {
    const { context, rentals } = this.parts;
    await waitAtMost(seconds, context.stopping, async (signal) => {
      for (let rental = rentals.get(gpuId); rental !== undefined && same(rental) && !signal.aborted; rental = rentals.get(gpuId)) {
        await rentals.changed(gpuId, signal);
      }
    });
  }
}
