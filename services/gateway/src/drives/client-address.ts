/**
 * Where a client reaches this server. URLs that lead back here (of files in the data folder) begin with the address that the client
 * came by: inside a container of the docker driver that is another one than on the machine itself.
 */
import type { IncomingHttpHeaders } from 'node:http';

/** Names that this machine has for itself and for its containers. Any other `Host` could be made up. */
const ownNames = ['localhost', '127.0.0.1', '[::1]', 'host.docker.internal'];

export class ClientAddress {
  /** `base`: the public URL. `listening`: the one that this process listens on. `servesObjects`: URLs of the store are ours. */
  constructor(
    private readonly base: () => string,
    private readonly listening: () => string,
    private readonly servesObjects: boolean,
  ) {}

  /** Without a slash at its end. The public one for who came by no address that we know. */
  of({ host }: Pick<IncomingHttpHeaders, 'host'>): string {
    const base = this.base();
    // A URL that begins with what the client said needs no taking apart, and every download asks.
    if (host === undefined || base.endsWith(`//${host}`)) return base;
    const { port } = new URL(this.listening());
    return host !== new URL(base).host && ownNames.some((name) => host === `${name}:${port}`) ? `http://${host}` : base;
  }

  /** A signed URL as this client can use it: what is signed in ours is everything but the address. */
  urlFor(url: string, headers: Pick<IncomingHttpHeaders, 'host'>): string {
    return this.servesObjects ? `${this.of(headers)}${url.slice(url.indexOf('/objects/'))}` : url;
  }
}
