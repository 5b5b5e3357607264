/**
 * Idempotency keys: the same key and request give the same result, with nothing done twice. What a key stands for is
 * recorded before anything is done, with the command's id; so after a crash in between, a repeat gives the same command
 * again, which the services know. Only what went well is kept: a refusal did nothing and may be tried again.
 */
import { derivedId, eventCodec, Problem, type RequestEvent } from '@kgpu/contracts';
import type { EventStore, RecordedEvent } from '@kgpu/event-store';
import type { Clock } from '@kgpu/runtime';
import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import { Result } from '../http/result.ts';
import { newCommand, type Command } from './command.ts';

export interface KeyedRequest {
  key: string;
  /** Whose key it is: callers never meet each other's. */
  caller: string;
  /** 0 for the admin token. */
  userId: number;
  /** Method and path. */
  route: string;
  /** The parsed input, so that leaving out a default and saying it are the same request. */
  input: unknown;
}

type Act = (command: Command) => Promise<Result>;

/** An event may hold 1 MiB; a larger answer is made again by a repeat of the same command. */
const MAX_KEPT_BYTES = 900 * 1024;

export class Once {
  readonly #underWay = new Map<string, { hash: string; result: Promise<Result> }>();

  constructor(
    private readonly expiring: EventStore,
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {}

  /** @throws Problem `idempotency_key_reused` when the key stands for another request; what `act` refuses with. */
  async do(request: KeyedRequest, act: Act): Promise<Result> {
    const stream = `request-${derivedId(request.caller, request.key)}`;
    const hash = createHash('sha256').update(canonical([request.route, request.input])).digest('hex');
    const running = this.#underWay.get(stream);
    if (running !== undefined) {
      if (running.hash !== hash) throw new Problem('idempotency_key_reused');
      return running.result;
    }
    const result = this.#answer(stream, hash, request, act);
    this.#underWay.set(stream, { hash, result });
    try {
      return await result;
    } finally {
      this.#underWay.delete(stream);
    }
  }

  async #answer(stream: string, hash: string, request: KeyedRequest, act: Act): Promise<Result> {
    const { command, kept } = await this.#accept(stream, hash, request);
    if (kept !== null) return kept;
    const result = await act(command);
    await this.#keep(stream, result);
    return result;
  }

  /** Records what the key stands for, or finds it recorded: then with the answer, unless it was never given. */
  async #accept(stream: string, hash: string, { userId, route }: KeyedRequest): Promise<{ command: Command; kept: Result | null }> {
    const command = newCommand(this.clock.now());
    const data = { user_id: userId, route, request_hash: hash, command_id: command.id, at: command.at.toISOString() };
    const { repeated } = await this.expiring.append(stream, [encode({ type: 'RequestAccepted', data })], { expected: 'no_stream', commitId: 'accepted' });
    return repeated ? found(await this.expiring.read(stream), hash) : { command, kept: null };
  }

  async #keep(stream: string, { status, headers, body, mayBeKept }: Result): Promise<void> {
    const data = { status, headers: { ...headers }, body, at: this.clock.now().toISOString() };
    if (!mayBeKept || Buffer.byteLength(JSON.stringify(data)) > MAX_KEPT_BYTES) return;
    try {
      await this.expiring.append(stream, [encode({ type: 'RequestAnswered', data })], { expected: 'exists', commitId: 'answered' });
    } catch (error) {
      this.log.warn({ err: error }, 'an answer could not be kept; a repeat of the request will make it again');
    }
  }
}

function found(events: RecordedEvent[], hash: string): { command: Command; kept: Result | null } {
  let command: Command | null = null;
  let kept: Result | null = null;
  for (const recorded of events) {
    const event = eventCodec.decode<RequestEvent>(recorded);
    if (event.type === 'RequestAnswered') {
      kept = new Result(event.data.body, event.data.status, event.data.headers);
    } else {
      if (event.data.request_hash !== hash) throw new Problem('idempotency_key_reused');
      command = { id: event.data.command_id, at: new Date(event.data.at) };
    }
  }
  // The stream was swept between the append and the read.
  if (command === null) throw new Problem('request_in_progress', undefined, { retry_after_seconds: 1 });
  return { command, kept };
}

function encode(event: RequestEvent) {
  return eventCodec.encode(event);
}

/** JSON in which the order of an object's fields does not matter. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part);
}
