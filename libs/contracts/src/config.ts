/**
 * Every setting of kgpu: one schema, read from the environment, validated at start; the table in the README is made
 * from it. Unknown `KGPU_…` variables are refused at start, since a misspelt setting is a setting that does nothing.
 */
import { z } from 'zod';

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `90s`, `15m`, `2h` → milliseconds. */
const duration = z.string().regex(/^\d+(\.\d+)?(ms|s|m|h|d)$/, 'must be a duration such as 90s, 15m or 2h').transform((text) => {
  const [, amount, unit] = /^([\d.]+)(\w+)$/.exec(text)!;
  return Math.round(Number(amount) * units[unit as keyof typeof units]);
});

const flag = z.enum(['1', '0', 'true', 'false']).transform((text) => text === '1' || text === 'true');
const list = z.string().transform((text) => text.split(',').map((part) => part.trim().toLowerCase()).filter((part) => part !== ''));
const count = z.coerce.number().int().positive();

export interface Prices {
  /** Credits per hour of a model that has no price of its own. */
  default: number;
  byModel: Record<string, number>;
}

/** `500`, or `GB10=500,H100=3000` (the first price is also that of models not named). */
const prices = z.string().transform((text, context): Prices => {
  const parts = text.split(',').map((part) => part.trim().split('='));
  const byModel: Record<string, number> = {};
  let fallback: number | null = null;
  for (const part of parts) {
    const price = Number(part.at(-1));
    if (part.length > 2 || !Number.isSafeInteger(price) || price < 1 || price > 1_000_000_000) {
      context.addIssue({ code: 'custom', message: 'must be whole credits per hour such as 500, or GB10=500,H100=3000' });
      return z.NEVER;
    }
    if (part.length === 2) byModel[part[0]!.trim()] = price;
    if (part.length === 1 || fallback === null) fallback = price;
  }
  return { default: fallback!, byModel };
});

export const configSchema = z.object({
  KGPU_HOST: z.string().default('127.0.0.1').meta({ description: 'Address to listen on' }),
  KGPU_PORT: z.coerce.number().int().min(0).max(65_535).default(8080).meta({ description: 'Port to listen on; 0 takes a free one' }),
  KGPU_API_BASE: z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, '')).optional().meta({ description: 'Public URL; by default the address it listens on' }),
  KGPU_DATA_DIR: z.string().min(1).default('.kgpu').meta({ description: 'Folder of all state' }),
  KGPU_NATS_URL: z.string().min(1).optional().meta({ description: 'NATS server, `nats://[user:password@]host:port`; unset: a nats-server of its own is started' }),
  KGPU_EVENT_STORE: z.string().regex(/^sqlite:.+|^memory:$/, 'must be sqlite:<file>').optional().meta({ description: 'Event store: `sqlite:<file>`; by default `events.db` in the data folder' }),
  KGPU_S3_ENDPOINT: z.url({ protocol: /^https?$/ }).optional().meta({ description: 'S3 of the files, as the services reach it; unset: files lie in the data folder' }),
  KGPU_S3_PUBLIC_ENDPOINT: z.url({ protocol: /^https?$/ }).optional().meta({ description: 'The same S3 as clients reach it: signed URLs lead there; by default `KGPU_S3_ENDPOINT`' }),
  KGPU_S3_BUCKET: z.string().min(1).optional().meta({ description: 'Bucket of the files' }),
  KGPU_S3_REGION: z.string().min(1).default('auto').meta({ description: 'Region of the S3; AWS wants its own' }),
  KGPU_S3_ACCESS_KEY_ID: z.string().min(1).optional().meta({ description: 'Key of the S3' }),
  KGPU_S3_SECRET_ACCESS_KEY: z.string().min(1).optional().meta({ description: 'Secret of that key', secret: true }),
  KGPU_USER_QUOTA_BYTES: count.prefault(100_000_000_000).meta({ description: 'Bytes that a drive may hold' }),
  KGPU_UPLOAD_GRACE: duration.prefault('1h').meta({ description: 'How long an upload that began before its URL expired may take until its room is free again' }),
  KGPU_RECONCILE_EVERY: duration.prefault('24h').meta({ description: 'How often the figures of each drive are compared with the bucket' }),
  KGPU_COMPUTE: z.enum(['process', 'docker']).optional().meta({ description: 'What runs containers; unset: docker when an engine answers, else process' }),
  KGPU_GPU_SLOTS: count.max(1_000).default(4).meta({ description: 'Rentals that share this machine at once' }),
  KGPU_ALLOW_INSECURE_PROCESS: flag.default(false).meta({ description: '1: everybody may rent with the process driver, though it is no security boundary' }),
  KGPU_MOUNT_DRIVES: flag.optional().meta({ description: '1: rentals mount their drives at /files and /shared, 0: not; unset: with process where it works, with docker not, as containers need SYS_ADMIN for it' }),
  KGPU_FLUSH_GRACE: duration.prefault('5m').meta({ description: 'How long a rental that has ended may upload what was written to /files, before it is destroyed' }),
  KGPU_ADMIN_TOKEN: z.string().min(16).max(200).optional().meta({ description: 'A second admin credential, for scripts', secret: true }),
  KGPU_ADMIN_EMAILS: list.default([]).meta({ description: 'E-mails of admins, separated by commas' }),
  KGPU_ALLOWED_EMAILS: list.default([]).meta({ description: 'E-mails (or `*@domain`) that are active at once' }),
  KGPU_SESSION_SECRET: z.string().min(32).optional().meta({ description: 'Key of tokens that rentals get; unset: made once and kept in the data folder', secret: true }),
  KGPU_STARTING_CREDITS: z.coerce.number().int().min(0).max(1_000_000_000_000).default(1_000_000).meta({ description: 'Credits of a new account' }),
  KGPU_PRICE_PER_HOUR_CREDITS: prices.prefault('500').meta({ description: 'Price of an hour: `500`, or by model: `GB10=500,H100=3000`' }),
  KGPU_IDLE_WARNING: duration.prefault('1h').meta({ description: 'Idle time after which a rental carries a warning' }),
  KGPU_IDLE_RETURN: duration.prefault('2h').meta({ description: 'Idle time after which a rental is returned' }),
  KGPU_STOP_GRACE: duration.prefault('10s').meta({ description: 'Time between SIGTERM and SIGKILL of a run' }),
  KGPU_OUTPUT_RETENTION: duration.prefault('30d').meta({ description: 'How long the output of runs is kept' }),
  KGPU_OUTPUT_CAP_BYTES: count.prefault(1_073_741_824).meta({ description: 'Output kept per run; the oldest bytes go first' }),
  KGPU_RATE_LIMIT_PER_MINUTE: count.prefault(6_000).meta({ description: 'Requests per minute of one user or, without a token, one address' }),
  KGPU_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info').meta({ description: 'What is logged' }),
  KGPU_CLOCK_SPEED: z.coerce.number().positive().max(1_000_000).default(1).meta({ description: 'For demos: business time runs N times faster; refused when NODE_ENV=production' }),
});
export type Config = z.infer<typeof configSchema>;

/** A setting that can't be used: `message` names it and says what it must be. Never holds a secret's value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Reads the settings. An empty variable counts as unset. Throws `ConfigError` with one line per wrong setting. */
export function readConfig(environment: Record<string, string | undefined>): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([name, value]) => name.startsWith('KGPU_') && value !== undefined && value !== ''));
  const unknown = Object.keys(given).filter((name) => !(name in configSchema.shape) && !ignored.has(name));
  const parsed = configSchema.safeParse(given);
  const wrong = [
    ...unknown.map((name) => `${name}: there is no such setting`),
    ...(parsed.error?.issues ?? []).map((issue) => `${issue.path.join('.')}: ${issue.message}`),
  ];
  if (environment['NODE_ENV'] === 'production' && parsed.data !== undefined && parsed.data.KGPU_CLOCK_SPEED !== 1) {
    wrong.push('KGPU_CLOCK_SPEED: must be 1 when NODE_ENV=production');
  }
  if (wrong.length > 0) throw new ConfigError(wrong.join('\n'));
  return parsed.data!;
}

/** Variables of clients (the token and base a user exports, what a rental is given) and of the set-up scripts: not settings of the server. */
const ignored = new Set(['KGPU_API_TOKEN', 'KGPU_GPU_ID', 'KGPU_RUN_ID', 'KGPU_CACHE_DIR', 'KGPU_RUNS']);
