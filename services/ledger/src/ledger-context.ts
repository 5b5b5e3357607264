import type { ServiceContext } from '@kgpu/runtime';

/** What the ledger needs of its surroundings. */
export type LedgerContext = Pick<ServiceContext, 'bus' | 'clock' | 'config' | 'log' | 'store'>;
