import type { ProblemCode } from '../problem.ts';
import type { Route } from './route.ts';

/** Every code that the route can answer with, whatever it is asked. `internal_error` is a defect and promised by nobody. */
export function problemsOf(route: Route): ProblemCode[] {
  const { auth, rentalToken, pending, idempotent, problems, takesBytes = false } = route;
  const changes = route.method !== 'GET' && route.method !== 'HEAD';
  // Of these a body is read, wanted or not.
  const readsJson = changes && !takesBytes && route.rest === undefined;
  const known = auth === 'bearer' || auth === 'admin';
  const codes: (ProblemCode | false)[] = [
    (route.body !== undefined || route.query !== undefined || auth !== 'none') && 'invalid_request',
    ...(readsJson ? (['invalid_json', 'payload_too_large', 'unsupported_media_type'] as const) : []),
    takesBytes && 'unsupported_media_type',
    auth !== 'none' && 'unauthenticated',
    known && !pending && 'not_approved',
    (known || !rentalToken) && auth !== 'none' && 'forbidden',
    auth === 'admin' && 'admin_required',
    idempotent && 'idempotency_key_reused',
    idempotent && 'request_in_progress',
    auth !== 'none' && 'rate_limited',
    ...problems,
    changes && 'conflict',
    'service_unavailable',
    'service_timeout',
  ];
  return [...new Set(codes.filter((code) => code !== false))];
}
