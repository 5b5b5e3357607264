import type { DavLock } from '@kgpu/contracts';
import { escapeText } from '../xml/write-xml.ts';

const entry = (scope: string): string => `<D:lockentry><D:lockscope><D:${scope}/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>`;

/** What can be locked how: the same everywhere on a drive of one's own. */
export const SUPPORTED_LOCKS = entry('exclusive') + entry('shared');

/** The locks as `activelock` elements; `hrefOf` tells where their paths lie for the client. */
export function lockDiscovery(locks: readonly DavLock[], now: Date, hrefOf: (path: string) => string): string {
  return locks.map((lock) => activeLock(lock, now, hrefOf)).join('');
}

function activeLock({ scope, depth, owner, token, path, expires_at }: DavLock, now: Date, hrefOf: (path: string) => string): string {
  const seconds = Math.max(0, Math.ceil((Date.parse(expires_at) - now.getTime()) / 1_000));
  return `<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:${scope}/></D:lockscope><D:depth>${depth}</D:depth>`
    + `${owner === '' ? '' : `<D:owner>${owner}</D:owner>`}<D:timeout>Second-${seconds}</D:timeout>`
    + `<D:locktoken><D:href>${escapeText(token)}</D:href></D:locktoken><D:lockroot><D:href>${hrefOf(path)}</D:href></D:lockroot></D:activelock>`;
}
