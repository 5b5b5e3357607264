import { z } from 'zod';
import { driveId } from '../drive.ts';
import { instant } from '../shapes.ts';

/** A property that the server only keeps (RFC 4918, 4): `name` is `{namespace}local`, `value` its element as XML. */
export const deadProperty = z.object({ name: z.string().max(1_000), value: z.string().max(65_536) });
export type DeadProperty = z.infer<typeof deadProperty>;

/** Streams `properties-<drive id>`. What a drive's deletions and transfers do to properties follows from those facts. */
export const propertyEvents = {
  PropertiesChanged: z.object({ drive: driveId, path: z.string(), set: z.array(deadProperty), removed: z.array(z.string()), at: instant }),
};
