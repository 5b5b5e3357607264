/** Takes an order to rent: finds a node, sees that the balance covers an hour, takes a slot, records the rental. */
import { GetBalance, hashToken, Problem, type Asked, type MessageMeta, type RentGpu } from '@kgpu/contracts';
import type { ServiceContext } from '@kgpu/runtime';
import type { Nodes, PricedNode } from '../node/nodes.ts';
import type { Slots } from '../node/slots.ts';
import type { RentalRecord } from './rental-record.ts';
import { rentalToken } from './rental-token.ts';

export interface RentTerms {
  user_id: number;
  gpu_model: string | null;
  duration_seconds: number;
}

export interface Forecast {
  node: PricedNode;
  balance: number;
  /** What the renter's other GPUs cost. */
  burn_per_hour_credits: number;
  free: number;
}

export class Renting {
  constructor(
    private readonly context: ServiceContext,
    private readonly nodes: Nodes,
    private readonly slots: Slots,
    private readonly rentals: RentalRecord,
    /** Where the driver is no security boundary: the only user who may rent. */
    private readonly onlyUser: number | null,
  ) {}

  /** The node that would be taken now and what the renter has. Throws the problem that a rent would meet. */
  async forecast(terms: RentTerms, meta: MessageMeta): Promise<Forecast> {
    if (this.onlyUser !== null && terms.user_id !== this.onlyUser) throw new Problem('process_driver_single_user');
    const candidates = await this.#candidates(terms.gpu_model);
    const node = candidates[0];
    if (node === undefined) throw new Problem('no_capacity', undefined, { retry_after_seconds: 30 });
    const { balance, burn_per_hour_credits } = await this.context.bus.ask(GetBalance, { user_id: terms.user_id }, { requestId: meta.request_id, ...(meta.min_position === undefined ? {} : { minPosition: meta.min_position }) });
    const required = node.price_per_hour_credits;
    if (balance < required) {
      throw new Problem('insufficient_credits', `One hour costs ${required} credits; the balance is ${balance}.`, { balance, required });
    }
    return { node, balance, burn_per_hour_credits, free: candidates.reduce((sum, candidate) => sum + candidate.gpu_total - candidate.gpu_busy, 0) };
  }

  /** Records the rental; a repeat of the command finds it recorded. Returns the position of the last event. */
  async rent(order: Asked<typeof RentGpu>, meta: MessageMeta): Promise<number> {
    const recorded = await this.rentals.load(order.gpu_id);
    if (recorded.state.status !== 'none') return recorded.position;
    const { node } = await this.forecast(order, meta);
    const taken = await this.#takeSlot(node.name, order);
    const { user_id, image, env, duration_seconds, gpu_id } = order;
    const terms = {
      gpu_id, user_id, image, env, duration_seconds, name: order.name ?? gpu_id, node: taken.name, gpu_model: taken.gpu_model,
      price_per_hour_credits: taken.price_per_hour_credits, token_hash: hashToken(rentalToken(this.context.secret, gpu_id)),
    };
    return this.rentals.record(order.gpu_id, { type: 'Request', terms }, { commitId: order.command_id, requestId: meta.request_id });
  }

  /** The first choice may have been taken since it was looked at: then the next one. */
  async #takeSlot(firstChoice: string, order: { gpu_id: string; gpu_model: string | null }): Promise<PricedNode> {
    const candidates = await this.#candidates(order.gpu_model);
    candidates.sort((a, b) => Number(b.name === firstChoice) - Number(a.name === firstChoice));
    for (const node of candidates) {
      try {
        await this.slots.take(node, order.gpu_id);
        return node;
      } catch (error) {
        if (!(error instanceof Problem && error.code === 'no_capacity')) throw error;
      }
    }
    throw new Problem('no_capacity', undefined, { retry_after_seconds: 30 });
  }

  /** Ready nodes of the model with a free slot, the emptiest first. */
  async #candidates(model: string | null): Promise<PricedNode[]> {
    const nodes = await this.nodes.list();
    if (model !== null && !nodes.some((node) => node.gpu_model === model)) {
      throw new Problem('invalid_request', `There is no GPU of model ${model} here.`, {
        errors: [{ pointer: '/body/gpu_model', message: `must be one of: ${[...new Set(nodes.map((node) => node.gpu_model))].join(', ')}` }],
      });
    }
    return nodes
      .filter((node) => node.ready && node.gpu_busy < node.gpu_total && (model === null || node.gpu_model === model))
      .sort((a, b) => b.gpu_total - b.gpu_busy - (a.gpu_total - a.gpu_busy));
  }
}
