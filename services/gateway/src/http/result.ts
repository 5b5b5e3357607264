/** What a handler answers when there is more to say than the body of the route's usual status. */
export class Result {
  constructor(
    /** JSON, or text, bytes or a stream with a `content-type` among the headers. */
    readonly body: unknown,
    readonly status = 200,
    readonly headers: Readonly<Record<string, string>> = {},
    /** False for an answer that holds a secret: a repeat makes it again instead of reading it. */
    readonly mayBeKept = true,
  ) {}
}
