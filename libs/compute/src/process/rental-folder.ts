import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ContainerSpec } from '../compute.ts';
import { shortText } from '../short-text.ts';
import type { ProcessIdentity } from './kernel-process.ts';

/** The folders that a rental sees as its own. */
export const ownFolders = ['tmp', 'workspace', 'files', 'shared', 'root', 'etc'] as const;
export type OwnFolder = (typeof ownFolders)[number];

/**
 * `<data>/rentals/<gpu_id>/`: all that is known of a rental of the process driver, so that it survives the services:
 * `spec.json` (what was ordered; holds the rental's token, mode 600), `process.json` (who its main process is),
 * `failure` (why it could not be started), `console.log` (what the main process said) and the rental's own folders.
 */
export class RentalFolder {
  constructor(readonly path: string) {}

  folder(name: OwnFolder): string {
    return join(this.path, name);
  }

  get console(): string {
    return join(this.path, 'console.log');
  }

  /** Made by `kgpu-init`, or by the image's `kgpu-bootstrap`. */
  get isReady(): boolean {
    return existsSync(this.#readyFile);
  }

  /** What the main process wrote there for the renter; empty when all is well. */
  async readyText(): Promise<string> {
    return shortText(await readFile(this.#readyFile, 'utf8').catch(() => ''));
  }

  async make(spec: ContainerSpec): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o700 });
    // One that an interrupted creation left would call the new container ready before it is.
    await rm(this.#readyFile, { force: true });
    for (const name of ownFolders) await mkdir(this.folder(name), { recursive: true, mode: 0o755 });
    await writeFile(join(this.folder('etc'), 'passwd'), 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n');
    await writeFile(join(this.folder('etc'), 'group'), 'root:x:0:\nnogroup:x:65534:\n');
    await this.#write('spec.json', JSON.stringify(spec));
  }

  /** Null when the rental is unknown, or its making was interrupted at once. */
  async spec(): Promise<ContainerSpec | null> {
    return this.#parse<ContainerSpec>('spec.json');
  }

  async process(): Promise<ProcessIdentity | null> {
    return this.#parse<ProcessIdentity>('process.json');
  }

  recordProcess(identity: ProcessIdentity): Promise<void> {
    return this.#write('process.json', JSON.stringify(identity));
  }

  async failure(): Promise<string | null> {
    return this.#read('failure');
  }

  recordFailure(message: string): Promise<void> {
    return this.#write('failure', message);
  }

  /** The last words of the main process. */
  async lastWords(): Promise<string> {
    return ((await this.#read('console.log')) ?? '').trim().slice(-500);
  }

  /** Null when there is no such folder. */
  async diskBytes(): Promise<number | null> {
    const du = promisify(execFile)('du', ['-sk', this.path], { timeout: 120_000, killSignal: 'SIGKILL' });
    // files come and go meanwhile: du then says so and fails, with the sum all the same
    const { stdout } = await du.catch((error: { stdout?: string }) => ({ stdout: error.stdout ?? '' }));
    const kibibytes = /^\d+/.exec(stdout)?.[0];
    return kibibytes === undefined ? null : Number(kibibytes) * 1_024;
  }

  /** With all that the rental wrote. Folders that it made unreadable are opened first. */
  async remove(): Promise<void> {
    try {
      await rm(this.path, { recursive: true, force: true, maxRetries: 3 });
    } catch {
      await promisify(execFile)('chmod', ['-R', 'u+rwX', this.path]).catch(() => {});
      await rm(this.path, { recursive: true, force: true, maxRetries: 3 });
    }
  }

  get #readyFile(): string {
    return join(this.folder('tmp'), 'kgpu', 'ready');
  }

  async #parse<T>(name: string): Promise<T | null> {
    const text = await this.#read(name);
    return text === null ? null : (JSON.parse(text) as T);
  }

  async #read(name: string): Promise<string | null> {
    try {
      return await readFile(join(this.path, name), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  /** Whole or not at all, also when we are killed meanwhile, and when two write at once: each has a draft of its own. */
  async #write(name: string, text: string): Promise<void> {
    const draft = join(this.path, `.${name}.${randomUUID()}`);
    await writeFile(draft, text, { mode: 0o600 });
    await rename(draft, join(this.path, name));
  }
}
