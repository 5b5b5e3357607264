/** One measured thing, as a line of the table. */
export interface Row {
  /** What was done, and how often or with how much: `append, 1 event, 1 writer`. */
  what: string;
  value: number;
  /** Of `value`: `/s`, `ms`, `MB` … */
  unit: string;
  /** Compared with the yardstick that was measured in the same run; above 1 is better. */
  ratio?: number;
  /** The yardstick: `bare node:http`, `docker exec` … */
  to?: string;
}
