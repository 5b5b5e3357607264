/** An event as it was recorded, in the shape of its version. */
export interface Recorded {
  type: string;
  v: number;
  data: object;
  position?: number;
}

/** A recorded event whose type or version this build does not know: a newer kgpu wrote it. Never skipped silently. */
export class UnknownEvent extends Error {
  override readonly name = 'UnknownEvent';
}

/**
 * `currentOf`: the current version of a type, 0 when there is no such type. `upcasters['Type@1']` turns data of version 1 into data
 * of version 2: an older event is lifted step by step, whatever version it was written in.
 */
export function versionedCodec(currentOf: (type: string) => number, upcasters: Readonly<Record<string, (data: object) => object>>) {
  return {
    encode({ type, data }: { type: string; data: object }): { type: string; v: number; data: object } {
      return { type, v: currentOf(type), data };
    },
    decode({ type, v, data, position }: Recorded): { type: string; data: object } {
      const current = currentOf(type);
      if (v > current || v < 1) throw new UnknownEvent(`${type} version ${v} at position ${position ?? '?'} is not known to this build`);
      let lifted = data;
      for (let from = v; from < current; from++) {
        const lift = upcasters[`${type}@${from}`];
        if (lift === undefined) throw new UnknownEvent(`${type} version ${v} at position ${position ?? '?'} can no longer be read`);
        lifted = lift(lifted);
      }
      return { type, data: lifted };
    },
  };
}
