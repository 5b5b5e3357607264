import type { z } from 'zod';
import type { ProblemCode } from '../problem.ts';

/** Who may call: nobody in particular, anybody but known when a token is there, a member, an admin. */
export type Auth = 'none' | 'optional' | 'bearer' | 'admin';

export interface OtherReply {
  description: string;
  content: readonly string[];
  /** Where `application/json` is among the media types. */
  json?: z.ZodType;
}

/**
 * One route of the REST contract: requests are parsed by it, replies and OpenAPI are made from it.
 * Params and query arrive as strings, so their schemas coerce.
 */
export interface Route {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS' | 'PROPFIND' | 'PROPPATCH' | 'MKCOL' | 'COPY' | 'MOVE' | 'LOCK' | 'UNLOCK';
  /** With `{name}` for parameters. */
  path: string;
  /** The parameter that stands for any number of segments. It is read as it was sent: percent-encoded, slashes between segments. */
  rest?: string;
  tag: string;
  summary: string;
  /** More than the summary says: units, edge cases, when to use it. */
  description?: string;
  auth: Auth;
  /** Whether the token injected into a rented container reaches it. */
  rentalToken: boolean;
  /** Whether a user who waits for approval reaches it. */
  pending: boolean;
  /** POSTs that create or change something take an `Idempotency-Key`. */
  idempotent: boolean;
  params?: z.ZodType;
  query?: z.ZodType;
  body?: z.ZodType;
  /** Header fields that it reads, by their names in lower case. */
  fields?: z.ZodType;
  /** The body is a file's bytes, of any type, and may be left out. */
  takesBytes?: boolean;
  /** What a request counts in the rate limit. Default 1. */
  weight?: number;
  /** Replies by status: a schema (JSON), or the media types of what is not, or not only, JSON. */
  replies: Record<number, z.ZodType | OtherReply>;
  /** Codes of this route beyond those that every route can give. */
  problems: readonly ProblemCode[];
}

type Usual = 'auth' | 'rentalToken' | 'pending' | 'idempotent' | 'problems';
type Given = Omit<Route, 'method' | 'path' | Usual> & Partial<Pick<Route, Usual>>;

/** Of Server-Sent Events. */
export const seenTheEnd = { description: 'By its `Last-Event-ID` the client has seen the end: an EventSource stops asking', content: [] } as const satisfies OtherReply;

/** A route with the usual defaults: a member's token, no rental token, no special problems. */
export function route<const G extends Given>(signature: `${Route['method']} /${string}`, given: G) {
  const [method, path] = signature.split(' ') as [Route['method'], string];
  return { auth: 'bearer' as Auth, rentalToken: false, pending: false, idempotent: false, problems: [] as readonly ProblemCode[], ...given, method, path };
}

type Parsed<S> = S extends z.ZodType ? z.output<S> : undefined;
/** What a handler of the route is given, parsed. */
export interface Input<R> {
  params: R extends { params: infer S } ? Parsed<S> : undefined;
  query: R extends { query: infer S } ? Parsed<S> : undefined;
  body: R extends { body: infer S } ? Parsed<S> : undefined;
  fields: R extends { fields: infer S } ? Parsed<S> : undefined;
}
