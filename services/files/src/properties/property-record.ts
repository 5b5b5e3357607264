/** Records changes of dead properties. They have no rule but that a drive keeps only so many. */
import { eventCodec, Problem, type EventData } from '@kgpu/contracts';
import type { Projection, ServiceContext } from '@kgpu/runtime';
import type { Properties } from './properties.projection.ts';

const MAX_PATHS = 50_000;
const MAX_DRIVE_CHARS = 16_777_216;
const MAX_PATH_CHARS = 262_144;

export class PropertyRecord {
  constructor(
    private readonly context: ServiceContext,
    private readonly properties: Properties,
    private readonly projection: Projection,
  ) {}

  /** The position of the fact. A repeat with the same commit id changes nothing. @throws Problem `quota_exceeded` */
  async change(change: Omit<EventData<'PropertiesChanged'>, 'at'>, { commitId, requestId }: { commitId: string; requestId: string }): Promise<number> {
    this.#checkRoom(change);
    const event = eventCodec.encode({ type: 'PropertiesChanged', data: { ...change, at: this.context.clock.now().toISOString() } });
    const { position } = await this.context.store.append(`properties-${change.drive}`, [event], { expected: 'any', commitId, requestId });
    await this.projection.reached(position);
    return position;
  }

  #checkRoom({ drive, path, set }: Omit<EventData<'PropertiesChanged'>, 'at'>): void {
    if (set.length === 0) return;
    const added = set.reduce((sum, { name, value }) => sum + name.length + value.length, 0);
    const there = [...this.properties.of(drive, path)].reduce((sum, [name, value]) => sum + name.length + value.length, 0);
    const { paths, chars } = this.properties.size(drive);
    if (there + added > MAX_PATH_CHARS) throw new Problem('quota_exceeded', `Properties of a path have at most ${MAX_PATH_CHARS} characters.`);
    if (chars + added > MAX_DRIVE_CHARS || (there === 0 && paths >= MAX_PATHS)) throw new Problem('quota_exceeded', 'The drive keeps no more properties.');
  }
}
