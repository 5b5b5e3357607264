import type { OwnedRental } from '@kgpu/contracts';
import type { KnownRental } from './rental.ts';

/** A rental as the other services see it. */
export function viewRental(state: KnownRental): OwnedRental {
  const { terms } = state;
  const started = 'startedAt' in state ? state.startedAt : null;
  const ended = 'endedAt' in state ? state : null;
  return {
    gpu_id: terms.gpu_id,
    user_id: terms.user_id,
    name: terms.name,
    image: terms.image,
    phase: phaseOf(state),
    node: terms.node,
    gpu_model: terms.gpu_model,
    created_at: terms.at,
    ready_at: started,
    ended_at: ended?.endedAt ?? null,
    expires_at: 'expiresAt' in state ? state.expiresAt : null,
    end_reason: ended?.reason ?? null,
    price_per_hour_credits: terms.price_per_hour_credits,
    message: ended?.message ?? (state.status === 'ready' ? state.warning : null),
  };
}

function phaseOf(state: KnownRental): OwnedRental['phase'] {
  switch (state.status) {
    case 'pending':
      return 'Pending';
    case 'ready':
      return 'Ready';
    case 'ending':
      return 'Ending';
    case 'ended':
      return state.reason === 'start_failed' ? 'Failed' : 'Ended';
  }
}
