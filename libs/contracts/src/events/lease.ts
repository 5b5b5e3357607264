import { z } from 'zod';

const lease = { service: z.string(), replica: z.string() };

/**
 * Streams `lease-<service>.<replica>`, kept for a while only: which processes of a service live and share its work. A replica
 * renews its lease well before `ttl_ms` have passed, and releases it when it is stopped.
 */
export const leaseEvents = {
  LeaseRenewed: z.object({ ...lease, ttl_ms: z.int().positive() }),
  LeaseReleased: z.object(lease),
};
