/**
 * A view of the log as a file, so that a start need not read the whole log. Only a shortcut: one that is damaged, of another version or
 * of another log is left aside, and the view is made of the facts again. Lines of JSON: a head, the view's own, and a hash of all that.
 */
import { createHash } from 'node:crypto';
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs';
import { access, open, rename } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { EventStore } from '@kgpu/event-store';
import type { Logger } from 'pino';

interface Head {
  version: number;
  position: number;
  /** The event at `position`: it tells this log from another. */
  event_id: string;
}

export interface SnapshotOptions {
  file: string;
  /** Rises with every change of what the lines hold or how the view is folded. */
  version: number;
  store: EventStore;
  log: Logger;
  /** For what JSON has no word for: as `JSON.stringify` and `JSON.parse` take them. */
  replace?: JsonStep;
  revive?: JsonStep;
}

export type JsonStep = (key: string, value: unknown) => unknown;

/** `Line`: what a part of the view looks like as JSON; never with a field `sha256`. */
export class SnapshotFile<Line extends object> {
  constructor(private readonly options: SnapshotOptions) {}

  /** Gives the lines to `take`. Position of the last fact that they know; null when there is none that can be used: forget what was taken then. */
  async load(take: (line: Line) => void): Promise<number | null> {
    const { file, log } = this.options;
    const exists = await access(file).then(() => true, () => false);
    if (!exists) return null;
    try {
      const read = await this.#read(take);
      if (typeof read === 'number') return read;
      log.warn({ file }, `the snapshot ${read}; reading the whole log instead`);
    } catch (error) {
      log.warn({ err: error, file }, 'the snapshot cannot be read; reading the whole log instead');
    }
    return null;
  }

  /** `position`: of the last fact that the view knows, whose id is `eventId`. All lines are taken before the first await. */
  async save(lines: Iterable<Line>, position: number, eventId: string): Promise<void> {
    // One name: what a killed process has left of it is written over.
    const draft = `${this.options.file}.new`;
    const head: Head = { version: this.options.version, position, event_id: eventId };
    writeLines(draft, head, lines, this.options.replace);
    await makeDurable(draft);
    await rename(draft, this.options.file);
  }

  /** The position, or what is wrong with it. */
  async #read(take: (line: Line) => void): Promise<number | string> {
    const hash = createHash('sha256');
    let head: Head | null = null;
    for await (const text of createInterface({ input: createReadStream(this.options.file), crlfDelay: Infinity })) {
      const line = JSON.parse(text, this.options.revive) as Head | Line | { sha256: string };
      if (head !== null && 'sha256' in line) return line.sha256 === hash.digest('hex') ? head.position : 'is damaged';
      hash.update(`${text}\n`);
      if (head !== null) {
        take(line as Line);
        continue;
      }
      head = line as Head;
      const wrong = await this.#wrong(head);
      if (wrong !== null) return wrong;
    }
    return 'has no end';
  }

  async #wrong({ version, position, event_id }: Head): Promise<string | null> {
    if (version !== this.options.version) return `has version ${version}, not ${this.options.version}`;
    const [event] = await this.options.store.readAll({ after: position - 1, limit: 1 });
    return event?.position === position && event.id === event_id ? null : 'is of another log';
  }
}

/** Line by line: the text of all of them would need as much memory as the view. */
function writeLines(path: string, head: Head, lines: Iterable<object>, replace?: JsonStep): void {
  const hash = createHash('sha256');
  const file = openSync(path, 'w', 0o600);
  const write = (line: object): void => {
    const text = `${JSON.stringify(line, replace)}\n`;
    hash.update(text);
    writeSync(file, text);
  };
  try {
    write(head);
    for (const line of lines) write(line);
    writeSync(file, `${JSON.stringify({ sha256: hash.digest('hex') })}\n`);
  } finally {
    closeSync(file);
  }
}

async function makeDurable(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
