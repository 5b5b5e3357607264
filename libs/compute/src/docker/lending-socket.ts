import net from 'node:net';
import tls from 'node:tls';
import type { TakeBytes } from '../compute.ts';
import type { EngineAddress } from './engine-http.ts';

const memoryBytes = 65_536;

/**
 * A connection that lends out what it reads, out of the same memory again and again: a stream would take new memory for each
 * read, and with quick commands keep the garbage collector busier than all the rest.
 */
export class LendingSocket {
  readonly socket: net.Socket;
  /** Resolves when nothing will be lent any more: with what a taker threw, if one did. */
  readonly ended: Promise<Error | null>;
  readonly #end = Promise.withResolvers<Error | null>();
  #take: TakeBytes;
  #held: Promise<void> | null = null;

  constructor(address: EngineAddress, take: TakeBytes) {
    this.#take = take;
    this.ended = this.#end.promise;
    const { socketPath, protocol, ...where } = address;
    const onread = { buffer: Buffer.allocUnsafeSlow(memoryBytes), callback: (length: number, memory: Uint8Array) => this.#lend(memory as Buffer, length) };
    const options = { ...(socketPath === undefined ? { ...where, port: where.port! } : { path: socketPath }), onread };
    this.socket = protocol === 'https' ? tls.connect(options) : net.connect(options);
    this.socket.on('error', () => {}); // it closes, and that is all that matters
    this.socket.on('close', () => void Promise.resolve(this.#held).then(() => this.#end.resolve(null)));
  }

  /** Who takes whatever comes from now on. */
  takeWith(take: TakeBytes): void {
    this.#take = take;
  }

  close(): void {
    this.#take = () => {};
    this.socket.destroy();
    this.#end.resolve(null);
  }

  /** False: no more for now. */
  #lend(memory: Buffer, length: number): boolean {
    try {
      const held = this.#take(memory.subarray(0, length));
      if (held === undefined) return true;
      this.#held = held.then(() => this.#goOn(), (error: unknown) => this.#fail(error));
    } catch (error) {
      this.#fail(error);
    }
    return false;
  }

  #goOn(): void {
    this.#held = null;
    this.socket.resume();
  }

  #fail(error: unknown): void {
    this.#end.resolve(error as Error);
    this.close();
  }
}
