import { creditsRoundedDown, type LedgerAccount } from '@kgpu/contracts';
import { standingAt, type Account } from '../book/account.ts';
import type { Ledger } from '../ledger.ts';
import { balanceAt, burnOf } from './stretch.ts';

/**
 * The account at a business time (milliseconds since 1970; null: now), as it was known at a position of the log (null: with
 * everything that is recorded). Null: there was none then.
 */
export async function accountAt({ now, context, histories }: Ledger, account: Account, { at, position }: { at: number | null; position: number | null }): Promise<LedgerAccount | null> {
  if (at === null && position === null) {
    const { units, burnPerHour, runningGpus } = standingAt(account, now, context.config.KGPU_IDLE_RETURN);
    return view(account.userId, account.openedAt!, { granted: account.granted, charged: account.granted - units, burn: burnPerHour, running: runningGpus });
  }
  const history = position === null ? await histories.latest(account.userId, now) : await histories.asOf(account.userId, position, now);
  const instant = at ?? now;
  if (history === null || instant < history.openedAt) return null;
  const { grantedUnits, chargedUnits, running } = balanceAt(history, instant);
  return view(account.userId, history.openedAt, { granted: grantedUnits, charged: chargedUnits, burn: burnOf(running), running: running.length });
}

function view(userId: number, openedAt: number, sums: { granted: number; charged: number; burn: number; running: number }): LedgerAccount {
  const units = sums.granted - sums.charged;
  return {
    user_id: userId, opened_at: new Date(openedAt).toISOString(), balance: creditsRoundedDown(units), balance_units: units,
    granted_units: sums.granted, charged_units: sums.charged, burn_per_hour_credits: sums.burn, running_gpus: sums.running,
  };
}
