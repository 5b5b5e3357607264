/** The hash chain and the sums of every account, as they are recorded. */
import { chainHash, type AuditReport } from '@kgpu/contracts';
import type { RecordedEvent } from '@kgpu/event-store';
import type { Findings } from './findings.ts';

/** What the running ledger says, at one position. */
export interface Claim {
  position: number;
  /** Null: it stands still and says nothing. */
  accounts: Map<number, { granted: number; charged: number }> | null;
  /** Rentals that it has not charged yet. */
  open: Set<string>;
}

interface Chain {
  hash: string;
  revision: number;
  granted: number;
  charged: number;
}

type Link = { user_id: number; prev_hash: string; hash: string; units?: number };

export class AccountChains {
  readonly #chains = new Map<number, Chain>();
  ok = true;

  constructor(private readonly found: Findings) {}

  get size(): number {
    return this.#chains.size;
  }

  /** Takes in the next fact of an account, as it was written. */
  check({ stream, revision, position, type, data }: RecordedEvent): void {
    const link = data as Link;
    const chain = this.#chain(Number(stream.slice('account-'.length)));
    const broken = breakOf(chain, stream, revision, type, link);
    if (broken !== null) {
      this.ok = false;
      this.found.add({ kind: 'chain_broken', user_id: link.user_id, position, message: `${stream}: ${type} at revision ${revision} ${broken}` });
    }
    chain.hash = link.hash;
    chain.revision = revision;
    if (type === 'AccountOpened' || type === 'CreditsGranted') chain.granted += link.units ?? 0;
    if (type === 'RentalCharged') chain.charged += link.units ?? 0;
    if (chain.granted < chain.charged) this.found.add({ kind: 'balance_below_zero', user_id: link.user_id, position, message: `${chain.granted - chain.charged} units after ${type}` });
  }

  /** Compares with what the ledger answers from. */
  compare({ accounts }: Claim): void {
    if (accounts === null) return;
    for (const userId of new Set([...accounts.keys(), ...this.#chains.keys()])) {
      const claimed = accounts.get(userId) ?? { granted: 0, charged: 0 };
      const { granted, charged } = this.#chains.get(userId) ?? { granted: 0, charged: 0 };
      if (granted === claimed.granted && charged === claimed.charged) continue;
      const message = `recorded: ${granted} units granted, ${charged} charged; the ledger answers with ${claimed.granted} and ${claimed.charged}`;
      this.found.add({ kind: 'balance_differs', user_id: userId, message });
    }
  }

  /** Granted and charged as recorded against the balances that the ledger answers with, if it does. */
  sums({ accounts }: Claim): AuditReport['sums'] {
    let [granted_units, charged_units, balance_units] = [0, 0, 0];
    for (const { granted, charged } of this.#chains.values()) {
      granted_units += granted;
      charged_units += charged;
    }
    for (const { granted, charged } of (accounts ?? this.#chains).values()) balance_units += granted - charged;
    return { granted_units, charged_units, balance_units, ok: granted_units === balance_units + charged_units };
  }

  #chain(userId: number): Chain {
    let chain = this.#chains.get(userId);
    if (chain === undefined) this.#chains.set(userId, (chain = { hash: '', revision: -1, granted: 0, charged: 0 }));
    return chain;
  }
}

function breakOf(chain: Chain, stream: string, revision: number, type: string, link: Link): string | null {
  if (stream !== `account-${link.user_id}`) return `belongs to user ${link.user_id}`;
  if (revision !== chain.revision + 1) return `comes after revision ${chain.revision}`;
  if (link.prev_hash !== chain.hash) return 'does not continue the chain';
  return link.hash === chainHash(chain.hash, type, link) ? null : 'was changed';
}
