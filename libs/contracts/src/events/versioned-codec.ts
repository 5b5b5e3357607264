/** What an event holds: JSON, and raw bytes if its type has some. */
export interface Contents {
  data: object;
  body?: Buffer;
}

/** An event as it was recorded, in the shape of its version. */
export interface Recorded extends Contents {
  type: string;
  v: number;
  position?: number;
}

/** Lifts an event by one version. */
export type Upcaster = (contents: Contents) => Contents;

/** A recorded event whose type or version this build does not know: a newer kgpu wrote it. Never skipped silently. */
export class UnknownEvent extends Error {
  override readonly name = 'UnknownEvent';
}

/**
 * `currentOf`: the current version of a type, 0 when there is no such type. `upcasters['Type@1']` turns version 1 into
 * version 2: an older event is lifted step by step, whatever version it was written in.
 */
export function versionedCodec(currentOf: (type: string) => number, upcasters: Readonly<Record<string, Upcaster>>) {
  return {
    encode({ type, ...contents }: { type: string } & Contents): { type: string; v: number } & Contents {
      return { type, v: currentOf(type), ...contents };
    },
    decode({ type, v, data, body, position }: Recorded): { type: string } & Contents {
      const current = currentOf(type);
      if (v > current || v < 1) throw new UnknownEvent(`${type} version ${v} at position ${position ?? '?'} is not known to this build`);
      let lifted: Contents = body === undefined ? { data } : { data, body };
      for (let from = v; from < current; from++) {
        const lift = upcasters[`${type}@${from}`];
        if (lift === undefined) throw new UnknownEvent(`${type} version ${v} at position ${position ?? '?'} can no longer be read`);
        lifted = lift(lifted);
      }
      return { type, ...lifted };
    },
  };
}
