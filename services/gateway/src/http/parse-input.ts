import { Problem, type FieldError, type Input, type ProblemCode, type Route } from '@kgpu/contracts';
import { z } from 'zod';

/** What of a request is checked against the contract. */
export interface RawInput {
  params: unknown;
  query: unknown;
  body: unknown;
  headers?: unknown;
}

/** More than this helps nobody, and a body can be wrong in very many places. */
const MAX_ERRORS = 20;
const MAX_POINTER = 200;
const nothing = z.strictObject({});

/** An id in the path that no thing can have: there is no such thing. */
const notFound: Record<string, ProblemCode> = {
  gpu_id: 'gpu_not_found', run_id: 'run_not_found', user_id: 'user_not_found', token_id: 'token_not_found', org: 'org_not_found', slug: 'org_not_found', upload_id: 'upload_not_found',
};

/**
 * Parses a request as its route says. Parameters of the query that the route does not know are errors, too.
 * @throws Problem `invalid_request` with all errors at once; the fitting 404 for an impossible id in the path.
 */
export function parseInput<R extends Route>(route: R, raw: RawInput): Input<R> {
  const errors: FieldError[] = [];
  const params = route.params?.safeParse(raw.params);
  if (params?.success === false) throw impossibleId(params.error);
  const part = (name: 'query' | 'body' | 'headers', schema: z.ZodType | undefined): unknown => {
    const parsed = schema?.safeParse(raw[name]);
    if (parsed?.success === false) errors.push(...fieldErrors(`/${name}`, parsed.error));
    return parsed?.data;
  };
  const query = part('query', route.query ?? (route.auth === 'none' ? undefined : nothing));
  const body = part('body', route.body);
  const fields = part('headers', route.fields);
  if (errors.length > 0) throw invalidRequest(errors);
  return { params: params?.data, query, body, fields } as Input<R>;
}

/** The problem of a request whose fields are wrong; the sentence tells the first of them. */
export function invalidRequest(errors: FieldError[]): Problem {
  const [first] = errors;
  return new Problem('invalid_request', `${first!.pointer}: ${first!.message}`, { errors: errors.slice(0, MAX_ERRORS) });
}

function impossibleId(error: z.ZodError): Problem {
  const code = notFound[String(error.issues[0]!.path[0])];
  return code === undefined ? invalidRequest(fieldErrors('/params', error)) : new Problem(code);
}

function fieldErrors(part: string, error: z.ZodError): FieldError[] {
  return error.issues.slice(0, MAX_ERRORS).flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') return [{ pointer: pointer(part, issue.path), message: issue.message }];
    return issue.keys.slice(0, MAX_ERRORS).map((key) => ({ pointer: pointer(part, [...issue.path, key]), message: 'is not known here' }));
  });
}

/** A JSON pointer (RFC 6901). */
function pointer(part: string, path: readonly PropertyKey[]): string {
  const segments = path.map((key) => String(key).slice(0, MAX_POINTER).replaceAll('~', '~0').replaceAll('/', '~1'));
  return [part, ...segments].join('/').slice(0, MAX_POINTER);
}
