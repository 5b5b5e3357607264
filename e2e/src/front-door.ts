/** A client of the REST API as tests use it: every reply with its status, no exceptions for refusals. */
export interface Reply<T = Record<string, any>> {
  status: number;
  headers: Headers;
  body: T;
}

const DEADLINE_MS = 90_000;

export class FrontDoor {
  constructor(
    readonly base: string,
    readonly token: string | null,
  ) {}

  /** The same server, somebody else. */
  as(token: string | null): FrontDoor {
    return new FrontDoor(this.base, token);
  }

  get<T = Record<string, any>>(path: string, headers: Record<string, string> = {}): Promise<Reply<T>> {
    return this.#send<T>('GET', path, undefined, headers);
  }

  /** `body` null: none. */
  post<T = Record<string, any>>(path: string, body: unknown = {}, headers: Record<string, string> = {}): Promise<Reply<T>> {
    return this.#send<T>('POST', path, body ?? undefined, headers);
  }

  patch<T = Record<string, any>>(path: string, body: unknown): Promise<Reply<T>> {
    return this.#send<T>('PATCH', path, body, {});
  }

  delete<T = Record<string, any>>(path: string): Promise<Reply<T>> {
    return this.#send<T>('DELETE', path, undefined, {});
  }

  async #send<T>(method: string, path: string, body: unknown, headers: Record<string, string>): Promise<Reply<T>> {
    const response = await fetch(this.base + path, {
      method,
      headers: {
        ...(this.token === null ? {} : { authorization: `Bearer ${this.token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      signal: AbortSignal.timeout(DEADLINE_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: (text === '' ? null : parsed(text)) as T };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
