/** Where a MOVE or COPY goes to. The path stays as it was written: it is split before it is decoded, and `+` is no space. */
import type { IncomingHttpHeaders } from 'node:http';
import { Problem } from '@kgpu/contracts';
import { invalidHeader } from './invalid-header.ts';

/** How clients reach this server: the `Host` that they name, or the public URL of the settings. */
export interface Reached {
  host: string | undefined;
  apiBase: string | undefined;
}

/**
 * The raw path (without query) that a URL or path of this server names, as this server knows it.
 * @throws Problem `bad_destination` when it lies on another server
 */
export function pathOnThisServer(url: string, reached: Reached): string {
  const [, scheme, authority, path] = /^(?:(https?):\/\/([^/?#]*))?(\/[^?#]*)(?:[?#].*)?$/i.exec(url) ?? [];
  if (path === undefined) throw new Problem('bad_destination', 'It must be a path or an http(s) URL of this server.');
  if (authority === undefined) return path;
  const host = hostOf(`${scheme}://${authority.slice(authority.lastIndexOf('@') + 1)}`);
  const base = reached.apiBase === undefined ? null : new URL(reached.apiBase);
  if (host !== null && base !== null && host === hostOf(base.origin)) return withoutPrefix(path, base.pathname);
  if (host !== null && reached.host !== undefined && host === hostOf(`${scheme}://${reached.host}`)) return path;
  throw new Problem('bad_destination', `${authority.slice(0, 200)} is not this server.`);
}

export function destinationIn({ destination }: IncomingHttpHeaders, reached: Reached): string {
  if (typeof destination !== 'string' || destination === '') throw invalidHeader('A Destination is needed.');
  return pathOnThisServer(destination, reached);
}

/** What stands before our paths where clients come through the public URL: its own path, `''` for most. */
export function externalPrefix({ host, apiBase }: Reached): string {
  if (apiBase === undefined || host === undefined) return '';
  const base = new URL(apiBase);
  return hostOf(`${base.protocol}//${host}`) === hostOf(base.origin) ? base.pathname.replace(/\/+$/, '') : '';
}

/** In lower case, without the scheme's own port; null for what is no host. */
function hostOf(origin: string): string | null {
  return URL.parse(origin)?.host || null;
}

function withoutPrefix(path: string, prefix: string): string {
  const bare = prefix.replace(/\/+$/, '');
  return path.startsWith(`${bare}/`) ? path.slice(bare.length) : path;
}
