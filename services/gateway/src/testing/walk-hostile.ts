import { problemCodes, problemsOf, type ProblemCode, type ProblemJson } from '@kgpu/contracts';
import type { HostileRequest } from './hostile-request.ts';
import { hostileRequests } from './hostile-requests.ts';
import type { RawHttp, RawReply } from './raw-http.ts';

/** What any request may meet before its route is known. */
const everywhere: ProblemCode[] = ['route_not_found', 'method_not_allowed', 'invalid_path', 'headers_too_large', 'invalid_request', 'request_timeout'];

export interface Walk {
  sent: number;
  /** What was answered otherwise than the contract says, in words. */
  defects: string[];
}

/** Sends every hostile request as the bearer of `token`. `partsMissing`: services that are not there answer 503 rightly. */
export async function walkHostile(http: RawHttp, token: string, { partsMissing = false } = {}): Promise<Walk> {
  const walk: Walk = { sent: 0, defects: [] };
  for (const hostile of hostileRequests()) {
    walk.sent++;
    const reply = await http.send({ ...hostile, headers: { authorization: `Bearer ${token}`, ...hostile.headers } }).catch((error: Error) => error);
    const defect = 'status' in reply ? wrong(hostile, reply, partsMissing) : `no reply: ${reply.message}`;
    if (defect !== null) walk.defects.push(`${hostile.method} ${hostile.route.path}, ${hostile.what}: ${defect}`);
  }
  return walk;
}

function wrong({ route, method, what }: HostileRequest, { status, headers, text }: RawReply, partsMissing: boolean): string | null {
  if (status < 400) return null;
  // Two answers that WebDAV wants otherwise: XML for a depth without end, 502 for a destination elsewhere.
  if (method === 'PROPFIND' && status === 403 && text.includes('<D:propfind-finite-depth/>')) return null;
  const type = String(headers['content-type']);
  if (!type.startsWith('application/problem+json')) return `${status} as ${type}: ${text.slice(0, 200)}`;
  // The answer to a HEAD has no body to look into.
  if (method === 'HEAD') return status >= 500 && !partsMissing ? String(status) : null;
  const { code, status: told } = JSON.parse(text) as ProblemJson;
  if (!(code in problemCodes) || told !== status) return `${status} with ${text.slice(0, 200)}`;
  if (status >= 500 && !(partsMissing && code === 'service_unavailable') && code !== 'bad_destination') return `${status} ${code}`;
  const isForRoute = method === route.method && !what.startsWith('path ');
  const expected: string[] = isForRoute ? [...everywhere, ...problemsOf(route)] : Object.keys(problemCodes);
  return expected.includes(code) ? null : `${code}, which the contract does not name for this route`;
}
