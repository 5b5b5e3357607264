/** Query parameters that many routes share. They arrive as text. */
import { z } from 'zod';

/** An integer in decimal digits (documented as the number that it means); nothing that `Number()` would also take (`0x10`, `1e3`, an empty text). */
export const queryInt = (min: number, max: number) =>
  z.string().regex(/^-?\d{1,15}$/, 'must be a whole number').transform(Number).pipe(z.int().min(min).max(max)).meta({ type: 'integer', minimum: min, maximum: max });

export const queryNumber = (min: number, max: number) =>
  z.string().regex(/^\d{1,9}(\.\d{1,9})?$/, 'must be a number').transform(Number).pipe(z.number().min(min).max(max)).meta({ type: 'number', minimum: min, maximum: max });

export const page = {
  limit: queryInt(1, 500).prefault('50').meta({ description: 'At most this many (1 to 500)' }),
  cursor: z.string().min(1).max(200).optional().meta({ description: 'next_cursor of the page before' }),
};
/** For lists in the order in which things were made: their cursor is a place in the log. */
export const logPage = { ...page, cursor: z.string().regex(/^\d{1,15}$/, 'must be next_cursor of the page before').optional().meta({ description: 'next_cursor of the page before' }) };

/** How long to wait for a change before answering as it is. */
export const waitSeconds = (usual: number) => queryNumber(0, 60).prefault(String(usual)).meta({ description: 'Seconds to wait (0 to 60)' });
