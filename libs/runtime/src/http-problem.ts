import { Problem, type ProblemJson } from '@kgpu/contracts';

/** What Fastify and Nest throw for a request that never reaches a handler, by their codes and statuses. */
interface HttpError {
  code?: string;
  statusCode?: number;
  status?: number;
  getStatus?: () => number;
}

/** The problem that an error is for the caller; a defect becomes `internal_error` and keeps its cause for the log. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const thrown = error as HttpError;
  const { code, statusCode, status } = thrown;
  switch (code) {
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new Problem('invalid_json', undefined, {}, { cause: error });
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new Problem('payload_too_large');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new Problem('unsupported_media_type', 'The body must be JSON (Content-Type: application/json).');
    case 'FST_ERR_BAD_URL':
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new Problem('invalid_path');
  }
  switch (thrown.getStatus?.() ?? statusCode ?? status) {
    case 400:
      return new Problem('invalid_json', 'The request could not be read.', {}, { cause: error });
    case 404:
      return new Problem('route_not_found');
    case 408:
      return new Problem('request_timeout');
    case 413:
      return new Problem('payload_too_large');
    case 414:
      return new Problem('invalid_path', 'The path is too long.');
    case 415:
      return new Problem('unsupported_media_type');
    case 503:
      return new Problem('service_unavailable', undefined, { retry_after_seconds: 2 });
    default:
      return new Problem('internal_error', undefined, {}, { cause: error });
  }
}

/** Headers that belong to a problem. */
export function problemHeaders({ status, retry_after_seconds, size }: ProblemJson): Record<string, string> {
  return {
    'content-type': 'application/problem+json; charset=utf-8',
    ...(status === 401 ? { 'www-authenticate': 'Bearer realm="kgpu", Basic realm="kgpu", charset="UTF-8"' } : {}),
    ...(status === 416 && typeof size === 'number' ? { 'content-range': `bytes */${size}` } : {}),
    ...(status === 429 || status === 503 || status === 504 ? { 'retry-after': String(retry_after_seconds ?? 2) } : {}),
  };
}
