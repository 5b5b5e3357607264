/**
 * The port to whatever runs containers. Drivers: process (a sandbox on this machine), docker, kubernetes.
 * Every method may be repeated; nothing is kept in the driver's memory that a restart would miss: what is
 * there is asked from the engine, by the labels that `create` gave.
 */
import type { FileHandle } from 'node:fs/promises';
import type { Writable } from 'node:stream';

export interface ComputeNode {
  name: string;
  /** What the hardware says it is (`NVIDIA GB10`), else `cpu`. */
  gpu_model: string;
  /** Rentals that may share this node at once. */
  gpu_total: number;
  ready: boolean;
}

export interface ContainerSpec {
  gpuId: string;
  userId: number;
  node: string;
  image: string;
  /** Everything that is injected: the user's variables and kgpu's own (`KGPU_GPU_ID`, `KGPU_API_TOKEN` …). */
  env: Record<string, string>;
}

export type ContainerState =
  /** Being made: pulling, unpacking, starting. `message` says which. */
  | 'starting'
  /** Runs and takes commands. */
  | 'ready'
  /** Could not be started, and won't be by waiting: image not found, pull denied, no such device. */
  | 'start_failed'
  /** Ran and ended by itself, or was killed from outside. */
  | 'exited'
  /** The engine knows nothing of it, or its making was interrupted when we were killed: `create` makes it, or goes on. */
  | 'absent';

export interface ContainerStatus {
  gpuId: string;
  state: ContainerState;
  /** For people: why it failed or what it waits for; `out of memory` where the engine can tell. */
  message?: string;
  /** When an `exited` one ended, where the engine can tell. */
  endedAt?: Date;
  /** Something the renter should know though it works ("the process driver doesn't pull images …"). */
  warning?: string;
}

export interface ExecOptions {
  /** Lets go of the session when aborted, as `close` does. */
  signal?: AbortSignal;
}

/**
 * Takes bytes that are only lent: they are others when it has returned, or when the promise that it returned has resolved. Such a
 * promise holds the process back.
 */
export type TakeBytes = (bytes: Buffer) => void | Promise<void>;

export interface OutputTakers {
  stdout: TakeBytes;
  stderr: TakeBytes;
}

/** A process inside a container. Nothing of its output is read before it is taken: that holds it back. */
export interface ExecSession {
  stdin: Writable;
  /**
   * Hands out what the process writes, each channel in order, as it comes. Resolves when both have ended, or were cut: nobody can tell
   * which. To be called once. A taker that throws closes the session, and this rejects with what it threw. Where both channels
   * share a connection, who holds one back holds back the other.
   */
  read(takers: OutputTakers): Promise<void>;
  /**
   * Always settles: the exit code, or null when the connection to the engine was cut before it was known.
   * A program that doesn't exist gives 126 or 127 as the engine or shell says. Where both channels share a connection it
   * settles only when they have been read to their ends.
   */
  exit: Promise<number | null>;
  /** Lets go of the session at once (the process may live on): nothing is handed out any more. A repeat does nothing. */
  close(): void;
}

export interface Compute {
  readonly driver: 'process' | 'docker' | 'kubernetes';
  /** Sentences an operator must read at start (what it is, whether it is a security boundary). */
  readonly notices: readonly string[];
  /** The nodes and their slots. */
  nodes(): Promise<ComputeNode[]>;
  /**
   * Makes the container of a rental and starts it. Resolves when the engine has taken the order; `status` tells how it goes on.
   * A repeat with the same `gpuId` does nothing while it is there, and goes on where a killed one was interrupted.
   * Throws only when the engine can't be reached.
   */
  create(spec: ContainerSpec): Promise<void>;
  /** How it is now; `absent` for an unknown id. Throws only when the engine can't be reached. */
  status(gpuId: string): Promise<ContainerStatus>;
  /** Every container of this install, whatever its state. */
  list(): Promise<ContainerStatus[]>;
  /**
   * Ends every process of the container and removes it and its disk. Resolves only when it is really gone, so that the
   * hardware counts as free; an unknown id resolves at once. A frozen container is killed by force.
   */
  destroy(gpuId: string): Promise<void>;
  /** Runs argv inside the container, as it is, without a shell. Throws `ContainerGone` when it isn't there or not running. */
  exec(gpuId: string, argv: readonly string[], options?: ExecOptions): Promise<ExecSession>;
  /** Lets go of connections; containers stay. */
  close(): Promise<void>;
}

/** An ability of some drivers: how much disk a rental has taken, for those that can't be held to a size. */
export interface DiskUsage {
  /** Bytes that the rental has written; null when it isn't there. Slow: every few minutes is enough. */
  diskBytes(gpuId: string): Promise<number | null>;
}

export function hasDiskUsage(compute: Compute): compute is Compute & DiskUsage {
  return 'diskBytes' in compute;
}

/** An ability of drivers whose rentals mount their drives: what was written there last may still wait in the rental to be uploaded. */
export interface DriveMounts {
  /**
   * Lets the rental upload what was written to its drives, unmounts them and ends its main process: only `destroy` may
   * follow. True when nothing is left to upload, also for a rental that isn't running or has no drives; false when the
   * deadline came first. A repeat goes on. Throws when the engine can't be reached, or the signal's reason.
   */
  unmountDrives(gpuId: string, deadlineMs: number, signal?: AbortSignal): Promise<boolean>;
}

export function hasDriveMounts(compute: Compute): compute is Compute & DriveMounts {
  return 'unmountDrives' in compute;
}

/** An ability of drivers whose containers may be on this machine: what commands write can be read there, past the engine. */
export interface LocalFiles {
  /**
   * The root folder of the rental's container, to be closed by the caller. Null where it can't be read, or not safely: the
   * engine is elsewhere, we may not, or the container may mount file systems, which can hang whoever reads them. What lies
   * in it is the tenant's, links too: `openFolderInside` and `openFileInside` follow none.
   */
  openRoot(gpuId: string): Promise<FileHandle | null>;
}

export function hasLocalFiles(compute: Compute): compute is Compute & LocalFiles {
  return 'openRoot' in compute;
}

/** An ability of drivers whose containers have a network of their own: how they reach programs of kgpu's machine. */
export interface OwnNetwork {
  /** Makes the network when it isn't there. Null when there is no way: the engine is elsewhere, or has no networks. */
  wayToMachine(): Promise<WayToMachine | null>;
  /** Takes the network away unless there are containers of this install; `create` makes it again. */
  removeNetwork(): Promise<void>;
}

export interface WayToMachine {
  /** The machine's name inside containers. */
  host: string;
  /** Where programs must listen to be reached: the machine's address in that network, and the network's own (`172.18.0.0/16`). Null: loopback does. */
  listen: { address: string; subnet: string } | null;
}

export function hasOwnNetwork(compute: Compute): compute is Compute & OwnNetwork {
  return 'wayToMachine' in compute;
}

export class ContainerGone extends Error {
  override readonly name = 'ContainerGone';
  constructor(readonly gpuId: string, options?: ErrorOptions) {
    super(`the container of ${gpuId} is not running`, options);
  }
}
