import type { KgpuEvent } from '@kgpu/contracts';
import { follow, type Projection, type ServiceContext } from '@kgpu/runtime';
import { join } from 'node:path';
import { ensureAdminToken } from './admin-token.ts';
import { Authenticator } from './authenticate.ts';
import { Credentials } from './credentials.projection.ts';
import { Identity } from './identity.ts';
import { People } from './people.projection.ts';
import { SuspensionPolicy } from './suspension.policy.ts';

/** What a rental's end takes beside its runs' grace and its upload: recording, the engine. */
const TAKE_DOWN_MARGIN_MS = 120_000;

export interface RunningIdentity {
  people: People;
  identity: Identity;
  authenticator: Authenticator;
  projection: Projection;
  /** An admin's token, which the operator finds in the data folder. */
  adminToken: string;
  close(): Promise<void>;
}

/** Learns who there is, makes the first admin, looks after the suspended. `alsoApply` is told of the same events, rentals among them. */
export async function startIdentity(context: ServiceContext, alsoApply: (event: KgpuEvent) => void): Promise<RunningIdentity> {
  const { store, config, clock, secret } = context;
  const people = new People();
  const credentials = new Credentials(config.KGPU_STOP_GRACE + config.KGPU_FLUSH_GRACE + TAKE_DOWN_MARGIN_MS);
  const followed: { policy?: SuspensionPolicy } = {};
  const projection = follow(store, { categories: ['directory', 'tokens', 'rental'] }, (event) => {
    people.apply(event);
    credentials.apply(event);
    followed.policy?.apply(event);
    alsoApply(event);
  });
  const identity = new Identity(store, clock, secret, projection);
  const policy = (followed.policy = new SuspensionPolicy(context, people, credentials, identity));
  await projection.ready;
  const adminToken = await ensureAdminToken(join(config.KGPU_DATA_DIR, 'admin-token'), config.KGPU_ADMIN_EMAILS[0] ?? 'admin@localhost', { identity, people, credentials });
  policy.start();
  return {
    people, identity, projection, adminToken,
    authenticator: new Authenticator(credentials, people, config.KGPU_ADMIN_TOKEN),
    async close() {
      await policy.close();
      await projection.close();
    },
  };
}
