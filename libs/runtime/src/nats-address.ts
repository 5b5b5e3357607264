/** Addresses of NATS servers with the credentials in them, which the client itself does not read. */
import type { NodeConnectionOptions } from '@nats-io/transport-node';

/**
 * `nats://user:password@host:port` or `nats://token@host:port`, several of one cluster separated by commas; the first
 * credentials count for all. Parts of credentials may be percent-encoded.
 */
export function natsAddress(url: string): Pick<NodeConnectionOptions, 'servers' | 'user' | 'pass' | 'token'> {
  const parts = url.split(',').map((part) => /^(\w+:\/\/)?(?:([^@]*)@)?(.*)$/.exec(part.trim())!);
  const servers = parts.map(([, scheme = '', , host]) => `${scheme}${host}`);
  const [user, pass] = (parts.find(([, , credentials]) => credentials)?.[2] ?? '').split(/:(.*)/s).map(decoded);
  if (user === undefined || user === '') return { servers };
  return pass === undefined ? { servers, token: user } : { servers, user, pass };
}

/** For logs and people. */
export function withoutCredentials(url: string): string {
  return url.replaceAll(/(^|,|\/\/)[^/@,]*@/g, '$1…@');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a bare % in a password
  }
}
