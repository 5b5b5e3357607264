/** Takes and frees the slots of nodes. Repeats are told by the node's state, so that a slot freed as stray can be taken again. */
import { randomUUID } from 'node:crypto';
import { eventCodec, type NodeEvent } from '@kgpu/contracts';
import { CommandHandler } from '@kgpu/event-store';
import type { ServiceContext } from '@kgpu/runtime';
import { nodeDecider, type NodeCommand, type NodeState } from './node.ts';

export class Slots {
  readonly #commands: CommandHandler<NodeState, NodeCommand, NodeEvent>;

  constructor(private readonly context: ServiceContext) {
    this.#commands = new CommandHandler(context.store, nodeDecider, { codec: eventCodec });
  }

  /** Throws `no_capacity` when the node is full. */
  async take(node: { name: string; gpu_total: number }, gpuId: string): Promise<void> {
    await this.#handle({ type: 'TakeSlot', node: node.name, gpuId, total: node.gpu_total });
  }

  async free(node: string, gpuId: string): Promise<void> {
    await this.#handle({ type: 'FreeSlot', node, gpuId });
  }

  async #handle(command: NodeCommand): Promise<void> {
    await this.#commands.handle(`node-${command.node}`, command, { commitId: `${command.type}:${command.gpuId}:${randomUUID()}`, now: this.context.clock.now() });
  }
}
