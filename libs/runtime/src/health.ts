import type { Health, HealthCheck } from './service.ts';

const CHECK_DEADLINE_MS = 2_000;

export function createHealth(): Health {
  const checks = new Map<string, HealthCheck>();
  const look = async () => {
    const parts = Object.fromEntries(await Promise.all([...checks].map(async ([part, check]) => [part, await outcome(check)] as const)));
    return { ok: Object.values(parts).every(({ ok }) => ok), parts };
  };
  let underWay: ReturnType<typeof look> | null = null;
  return {
    add(part, check) {
      checks.set(part, check);
    },
    check: () => (underWay ??= look().finally(() => {
      underWay = null;
    })),
  };
}

async function outcome(check: HealthCheck): Promise<{ ok: boolean; message?: string }> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${CHECK_DEADLINE_MS / 1000} s`)), CHECK_DEADLINE_MS);
  });
  try {
    await Promise.race([check(), late]);
    return { ok: true };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}
