import type { Input, OtherReply, Route } from '@kgpu/contracts';
import type { IncomingHttpHeaders } from 'node:http';
import type { z } from 'zod';
import type { Caller } from '../identity/caller.ts';
import type { Command } from '../requests/command.ts';

/** What a handler is given: a request that its route allows, parsed. */
export interface Given<R extends Route = Route> extends Input<R> {
  caller: Caller;
  requestId: string;
  /** The same again when the request is repeated with its `Idempotency-Key`. */
  command: Command;
  headers: IncomingHttpHeaders;
}

/** The JSON that a route may answer with. */
export type ReplyBody<R extends Route> = { [S in keyof R['replies']]: BodyOf<R['replies'][S]> }[keyof R['replies']];

type BodyOf<Reply> = Reply extends z.ZodType ? z.input<Reply> : Reply extends OtherReply & { json: z.ZodType } ? z.input<Reply['json']> : never;
