/** The slots of one node. It exists so that two rents at the same moment can't take the last slot. */
import { Problem, type NodeEvent } from '@kgpu/contracts';
import type { Decider } from '@kgpu/event-store';

/** Who holds a slot, and since when (business time). */
export interface NodeState {
  holders: ReadonlyMap<string, string>;
}

export type NodeCommand =
  /** `total`: how many slots the node has at this moment. */
  | { type: 'TakeSlot'; node: string; gpuId: string; total: number }
  | { type: 'FreeSlot'; node: string; gpuId: string };

function evolve(state: NodeState, event: NodeEvent): NodeState {
  const holders = new Map(state.holders);
  switch (event.type) {
    case 'SlotTaken':
      return { holders: holders.set(event.data.gpu_id, event.data.at) };
    case 'SlotFreed':
      holders.delete(event.data.gpu_id);
      return { holders };
  }
}

function decide(command: NodeCommand, { holders }: NodeState, now: Date): NodeEvent[] {
  const fact = { node: command.node, gpu_id: command.gpuId, at: now.toISOString() };
  switch (command.type) {
    case 'TakeSlot':
      if (holders.has(command.gpuId)) return [];
      if (holders.size >= command.total) throw new Problem('no_capacity', undefined, { retry_after_seconds: 30 });
      return [{ type: 'SlotTaken', data: fact }];
    case 'FreeSlot':
      return holders.has(command.gpuId) ? [{ type: 'SlotFreed', data: fact }] : [];
  }
}

export const nodeDecider: Decider<NodeState, NodeCommand, NodeEvent> = { initial: { holders: new Map() }, evolve, decide };
