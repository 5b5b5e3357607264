import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RawHttp, testGateway, walkHostile, type TestGateway } from './testing.ts';

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

describe('hostile input', () => {
  it('of every kind, on every route, gets a problem that the contract names and never a defect', async () => {
    const { sent, defects } = await walkHostile(http, gateway.adminToken, { partsMissing: true });
    expect(defects).toEqual([]);
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
