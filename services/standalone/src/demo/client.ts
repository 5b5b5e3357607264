/** The few calls that a demo makes, over HTTP like anybody's. */
import { Problem } from '@kgpu/contracts';

/** Longer than the longest `wait_seconds`. */
const DEADLINE_MS = 75_000;

export class Client {
  constructor(
    readonly base: string,
    private readonly token: string,
  ) {}

  get<T>(path: string): Promise<T> {
    return this.#json('GET', path);
  }

  post<T>(path: string, body: object): Promise<T> {
    return this.#json('POST', path, body);
  }

  /** The lines of JSON that a request is answered with. */
  async lines<T>(path: string, body: object): Promise<T[]> {
    const response = await this.#fetch('POST', path, { 'content-type': 'application/json' }, body);
    return (await response.text()).trim().split('\n').map((line) => JSON.parse(line) as T);
  }

  delete<T>(path: string): Promise<T> {
    return this.#json('DELETE', path);
  }

  /** The Server-Sent Events of a path, until the server ends the stream. Throws `Problem` as the others do. */
  async *events(path: string): AsyncGenerator<{ event: string; data: unknown }> {
    const response = await this.#fetch('GET', path, { accept: 'text/event-stream' });
    let text = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const blocks = text.split('\n\n');
      text = blocks.pop()!;
      for (const block of blocks) {
        const field = (name: string) => block.split('\n').filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).trim()).join('\n');
        if (field('data') !== '') yield { event: field('event'), data: JSON.parse(field('data')) as unknown };
      }
    }
  }

  async #json<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await this.#fetch(method, path, body === undefined ? {} : { 'content-type': 'application/json' }, body);
    return (await response.json()) as T;
  }

  async #fetch(method: string, path: string, headers: Record<string, string>, body?: object): Promise<Response> {
    const response = await fetch(this.base + path, {
      method,
      headers: { authorization: `Bearer ${this.token}`, ...headers },
      signal: AbortSignal.timeout(DEADLINE_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (response.ok) return response;
    const answer = await response.text();
    throw problemOf(answer) ?? new Error(`${method} ${path}: ${response.status} ${answer.slice(0, 200)}`);
  }
}

function problemOf(answer: string): Problem | null {
  try {
    return Problem.fromJSON(JSON.parse(answer));
  } catch {
    return null;
  }
}
