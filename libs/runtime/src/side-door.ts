/**
 * A second address of a server that else listens on loopback only, for the clients of one network of this machine (rentals
 * on a bridge of the container engine). A stranger who routes packets to that address is not let in.
 */
import { BlockList, createServer, isIPv4, type Server, type Socket } from 'node:net';
import type { Server as HttpServer } from 'node:http';

/** A network as it is seen from this machine. */
export interface SideNetwork {
  /** This machine's address in it. */
  address: string;
  /** Its addresses, such as `172.18.0.0/16`. */
  subnet: string;
}

export class SideDoor {
  readonly #sockets = new WeakSet<Socket>();
  #open: { network: SideNetwork; listener: Server } | null = null;

  constructor(private readonly http: HttpServer) {}

  /**
   * Listens there, and nowhere else beside the server's own address from then on. False when this machine has no such
   * address, or another program listens there. A repeat does nothing.
   */
  async open(network: SideNetwork, port: number): Promise<boolean> {
    if (this.#open?.network.address === network.address && this.#open.network.subnet === network.subnet) return true;
    const listener = this.#listener(network.subnet);
    try {
      await new Promise<void>((resolve, reject) => {
        listener.once('error', reject).listen({ host: network.address, port }, resolve);
      });
    } catch {
      return false;
    }
    listener.on('error', () => {}); // of single connections: nothing that the others should end for
    this.#open?.listener.close();
    this.#open = { network, listener };
    return true;
  }

  /** Whether a request came in here. */
  has(socket: Socket): boolean {
    return this.#sockets.has(socket);
  }

  /** Takes nobody in any more; resolves when all have left, which is for the server to see to. */
  async close(): Promise<void> {
    const listener = this.#open?.listener;
    this.#open = null;
    if (listener !== undefined) await new Promise((resolve) => listener.close(resolve));
  }

  #listener(subnet: string): Server {
    const [first = '', bits] = subnet.split('/');
    const friends = new BlockList();
    friends.addSubnet(first, Number(bits), isIPv4(first) ? 'ipv4' : 'ipv6');
    return createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      const { remoteAddress } = socket;
      if (remoteAddress === undefined || !friends.check(remoteAddress, isIPv4(remoteAddress) ? 'ipv4' : 'ipv6')) {
        socket.destroy();
        return;
      }
      this.#sockets.add(socket);
      this.http.emit('connection', socket);
    });
  }
}
