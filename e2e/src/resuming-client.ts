/** Clients that follow a run and go on where they were, however often their connection or the server dies. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

const PAUSE_MS = 50;

/** Bytes that came in order, each once. */
class Received {
  readonly #hash = createHash('sha256');
  bytes = 0;

  /** @throws Error when bytes are missing or come again. */
  take(offset: number, bytes: Buffer): void {
    if (offset !== this.bytes) throw new Error(`bytes at ${offset} came where ${this.bytes} was the next`);
    this.#hash.update(bytes);
    this.bytes += bytes.length;
  }

  get sha256(): string {
    return this.#hash.copy().digest('hex');
  }
}

abstract class ResumingClient {
  readonly received = new Received();
  /** How often it came back. */
  connections = 0;
  #connection = new AbortController();
  #isClosed = false;

  constructor(
    protected readonly base: string,
    protected readonly token: string,
    readonly runId: string,
  ) {}

  /** Resolves when it has everything. @throws Error when it was given something twice, or not at all. */
  async follow(): Promise<void> {
    while (!this.isDone && !this.#isClosed) {
      this.#connection = new AbortController();
      this.connections++;
      const response = await this.open(this.#connection.signal).catch(() => null);
      if (response === null || !this.isWelcome(response)) {
        await response?.body?.cancel().catch(() => undefined);
        await sleep(PAUSE_MS);
        continue;
      }
      await this.#read(response);
    }
  }

  /** Tears the connection, in the middle of whatever comes. */
  cut(): void {
    this.#connection.abort();
  }

  /** Follows no longer. */
  close(): void {
    this.#isClosed = true;
    this.cut();
  }

  async #read(response: Response): Promise<void> {
    const reader = response.body!.getReader();
    for (;;) {
      const { done, value } = await reader.read().catch(() => ({ done: true as const, value: undefined }));
      if (done) break;
      this.take(Buffer.from(value));
    }
    this.ended();
  }

  protected request(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
    return fetch(`${this.base}/v1/runs/${this.runId}/${path}`, { headers: { authorization: `Bearer ${this.token}`, ...headers }, signal });
  }

  protected isWelcome(response: Response): boolean {
    return response.status < 300;
  }

  abstract readonly isDone: boolean;
  protected abstract open(signal: AbortSignal): Promise<Response>;
  protected abstract take(chunk: Buffer): void;
  protected abstract ended(): void;
}

/** `/events`, resumed with `Last-Event-ID`. Only stdout is counted. */
export class EventsClient extends ResumingClient {
  readonly types: string[] = [];
  #lastEventId: string | null = null;
  #text = '';

  get isDone(): boolean {
    return this.types.includes('ended');
  }

  protected open(signal: AbortSignal): Promise<Response> {
    this.#text = '';
    return this.request('events', this.#lastEventId === null ? {} : { 'last-event-id': this.#lastEventId }, signal);
  }

  protected take(chunk: Buffer): void {
    // Only ASCII is sent here: no character is cut in two.
    const blocks = (this.#text + chunk.toString('latin1')).split('\n\n');
    this.#text = blocks.pop()!;
    for (const block of blocks) this.#event(block);
  }

  /** What came of an event whose end did not is forgotten: it comes again. */
  protected ended(): void {
    this.#text = '';
  }

  #event(block: string): void {
    const fields = new Map(block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]));
    const [id, type] = [fields.get('id'), fields.get('event')];
    if (id === undefined || type === undefined) return;
    const data = JSON.parse(fields.get('data')!) as { stream?: string; offset?: number; text?: string };
    if (type === 'output' && data.stream === 'stdout') this.received.take(data.offset!, Buffer.from(data.text!));
    if (type !== 'output') this.types.push(type);
    this.#lastEventId = id;
  }
}

/** `/logs?follow=1`, resumed with `Range`. A reply that ends tells that the run has ended only when there is nothing after it. */
export class LogClient extends ResumingClient {
  isDone = false;
  #offset = 0;

  protected open(signal: AbortSignal): Promise<Response> {
    return this.request('logs?stream=stdout&follow=1', this.received.bytes === 0 ? {} : { range: `bytes=${this.received.bytes}-` }, signal);
  }

  protected override isWelcome(response: Response): boolean {
    if (response.status === 416) this.isDone = true;
    this.#offset = Number(/^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1] ?? 0);
    return response.status < 300;
  }

  protected take(chunk: Buffer): void {
    this.received.take(this.#offset, chunk);
    this.#offset += chunk.length;
  }

  protected ended(): void {}
}
