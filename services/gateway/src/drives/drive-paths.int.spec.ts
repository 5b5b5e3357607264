import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventCodec } from '@kgpu/contracts';
import { RawHttp, testGateway, type TestGateway } from '../testing.ts';

/** What a path may try; each as it travels. */
const tricks = [
  '..', '../x', 'a/../b', 'a/..', '.', 'a/./b', '%2e%2e', '%2E%2E/x', '.%2e/x', 'a//b', '/a', '//', 'a%2Fb', '%2f', '..%2f..%2fetc', 'a%5Cb', '..%5c..', 'a\\b', 'a%00', '%00', 'a%0Ab', 'a%0D%0Ax', '%1F', '%7F', '%C2%85',
  '%ff', '%c3%28', '%ED%A0%80', '%C0%AE%C0%AE', '%zz', '%', 'a%2', '%E2%80%A8', 'x'.repeat(256), 'x'.repeat(300), `${'x'.repeat(200)}/`.repeat(6), '%C3%A9'.repeat(128), `${'%C3%A9'.repeat(100)}/`.repeat(6),
];
const methods = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'];

describe('paths of drives', () => {
  let gateway: TestGateway;
  let http: RawHttp;
  beforeAll(async () => {
    gateway = await testGateway();
    http = new RawHttp(gateway.url);
    const event = eventCodec.encode({ type: 'OrgCreated', data: { slug: 'lab', name: 'Lab', owner_user_id: 1, at: '2026-05-17T01:00:00Z' } });
    await gateway.context.store.append('org-lab', [event], { expected: 'no_stream', commitId: 'spec' });
    await gateway.restart();
    http.close();
    http = new RawHttp(gateway.url);
  });
  afterAll(async () => {
    http.close();
    await gateway.close();
  });

  it.each(['/v1/files/', '/v1/shared/lab/', '/v1/files/shared/lab/'])('below %s hold no tricks, whatever the method', async (base) => {
    const wrong: unknown[] = [];
    for (const method of methods) {
      for (const trick of tricks) {
        const headers = { authorization: `Bearer ${gateway.adminToken}`, 'x-content-length': '1' };
        const { status, text } = await http.send({ method, path: base + trick, headers, body: null });
        const code = text === '' ? 'invalid_path' : (JSON.parse(text) as { code: string }).code;
        if (status !== 400 || code !== 'invalid_path') wrong.push([method, base + trick, status, code]);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('of orgs are slugs, and of nothing else', async () => {
    for (const slug of ['..', 'LAB', 'lab%2f', 'lab%00', 'a'.repeat(64), '-lab', '%6cab']) {
      const { status } = await http.send({ method: 'GET', path: `/v1/shared/${slug}/x`, headers: { authorization: `Bearer ${gateway.adminToken}` }, body: null });
      expect([slug, status]).toEqual([slug, 404]);
    }
  });
});
