import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { problemCodes, problemsOf, type ProblemCode, type ProblemJson } from '@kgpu/contracts';
import { hostileRequests, RawHttp, testGateway, type HostileRequest, type RawReply, type TestGateway } from './testing.ts';

/** What any request may meet before its route is known. */
const everywhere: ProblemCode[] = ['route_not_found', 'method_not_allowed', 'invalid_path', 'headers_too_large', 'invalid_request', 'request_timeout'];
let gateway: TestGateway;
let http: RawHttp;

beforeAll(async () => {
  gateway = await testGateway({ config: { KGPU_RATE_LIMIT_PER_MINUTE: '10000000' } });
  http = new RawHttp(gateway.url);
});
afterAll(async () => {
  http.close();
  await gateway.close();
});

/** What is wrong with a reply to a bad request; null when nothing is. Parts that are not there answer 503. */
function wrong({ route, method, what }: HostileRequest, { status, headers, text }: RawReply): string | null {
  if (status < 400 || method === 'HEAD') return null;
  if (!String(headers['content-type']).startsWith('application/problem+json')) return `${status} as ${headers['content-type']}: ${text.slice(0, 200)}`;
  const { code, status: told } = JSON.parse(text) as ProblemJson;
  if (!(code in problemCodes) || told !== status) return `${status} with ${text.slice(0, 200)}`;
  if (status >= 500 && code !== 'service_unavailable') return `${status} ${code}`;
  const isForRoute = method === route.method && !what.startsWith('path ');
  const expected: string[] = isForRoute ? [...everywhere, ...problemsOf(route)] : Object.keys(problemCodes);
  return expected.includes(code) ? null : `${code}, which the contract does not name for this route`;
}

describe('hostile input', () => {
  it('of every kind, on every route, gets a problem that the contract names and never a defect', async () => {
    const authorization = `Bearer ${gateway.adminToken}`;
    const found: string[] = [];
    let sent = 0;
    for (const hostile of hostileRequests()) {
      sent++;
      const reply = await http.send({ ...hostile, headers: { authorization, ...hostile.headers } }).catch((error: Error) => error);
      const defect = reply instanceof Error ? `no reply: ${reply.message}` : wrong(hostile, reply);
      if (defect !== null) found.push(`${hostile.method} ${hostile.route.path}, ${hostile.what}: ${defect}`);
    }
    expect(found).toEqual([]);
    expect(sent).toBeGreaterThan(1_000);
    expect((await gateway.call('GET /livez')).status).toBe(200);
  }, 120_000);

  it.each([
    ['nothing that is HTTP', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 422],
    ['an unknown method', 'BREW /v1/gpus HTTP/1.1\r\nHost: x\r\n\r\n', 422],
    ['headers without end', `GET / HTTP/1.1\r\nHost: x\r\n${'X: y\r\n'.repeat(20_000)}`, 431],
    ['two lengths', 'POST /v1/gpus HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!', 422],
    ['a length and chunks', 'POST /v1/gpus HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 422],
    ['a chunk that is none', `POST /v1/admin/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`, 422],
  ])('on the wire: %s is answered and the connection closed', async (_, bytes, status) => {
    const reply = await http.bytes(bytes);
    expect(reply).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(reply).toContain('application/problem+json');
    expect(reply).toContain('onnection: close');
  });
});
