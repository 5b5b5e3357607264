/** WebDAV as it is asked for by those who mount, and by those who mean no good. */
import { gunzipSync } from 'node:zlib';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DiskObjectStore } from '@kgpu/object-store';
import { bodyOf } from '@kgpu/object-store/testing';
import { startOn, startSystem, type System } from '../system.ts';

interface Told {
  status: number;
  headers: Headers;
  text: string;
  /** Of a problem. */
  code: string | undefined;
}

let system: System;
beforeAll(async () => {
  system = await startSystem({ KGPU_RATE_LIMIT_PER_MINUTE: '1000000' });
});
afterAll(() => system?.remove());

async function dav(method: string, path: string, headers: Record<string, string> = {}, body?: string | Uint8Array, token = system.adminToken): Promise<Told> {
  const response = await fetch(`${system.url}/v1/files/${path}`, {
    method, redirect: 'manual', headers: { authorization: `Bearer ${token}`, ...headers }, ...(body === undefined ? {} : { body: body as string }),
  });
  const text = await response.text();
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json') === true;
  return { status: response.status, headers: response.headers, text, code: isProblem ? (JSON.parse(text) as { code: string }).code : undefined };
}

const put = (path: string, body = 'x', headers: Record<string, string> = {}) => dav('PUT', path, headers, body);
const to = (path: string) => ({ destination: `${system.url}/v1/files/${path}` });
const hrefs = ({ text }: Told) => [...text.matchAll(/<D:response><D:href>([^<]*)</g)].map(([, href]) => href!.replace('/v1/files/', ''));
const lockBody = (scope = 'exclusive') => `<?xml version="1.0"?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:${scope}/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner><D:href>ann</D:href></D:owner></D:lockinfo>`;
const lock = async (path: string, headers: Record<string, string> = {}, scope = 'exclusive') => {
  const told = await dav('LOCK', path, headers, lockBody(scope));
  return { ...told, token: /<(.+)>/.exec(told.headers.get('lock-token') ?? '')?.[1] ?? '' };
};
const propfind = (inside: string) => `<propfind xmlns="DAV:">${inside}</propfind>`;

describe('a PROPFIND', () => {
  it('tells a folder and what lies in it, by names as they are', async () => {
    await dav('MKCOL', 'look');
    await dav('MKCOL', 'look/empty');
    for (const name of ['a b', 'c+d', 'e%26%3Cf%3E', '%ED%95%9C']) await put(`look/${name}`);
    const told = await dav('PROPFIND', 'look', { depth: '1' });
    expect(told.status).toBe(207);
    expect(hrefs(told).sort()).toEqual(['look/', 'look/%ED%95%9C', 'look/a%20b', 'look/c%2Bd', 'look/e%26%3Cf%3E', 'look/empty/']);
    expect(told.text).toContain('<D:displayname>e&amp;&lt;f&gt;</D:displayname>');
    expect(hrefs(await dav('PROPFIND', 'look/', { depth: '0' }))).toEqual(['look/']);
    expect(hrefs(await dav('PROPFIND', 'look/c+d', { depth: '1' }))).toEqual(['look/c+d']);
  });

  it('tells all of a folder of many pages, packed for who takes it', async () => {
    const store = await DiskObjectStore.open({ folder: join(system.folder, 'objects'), baseUrl: system.url, secret: 'x'.repeat(32) });
    await Promise.all(Array.from({ length: 32 }, async (_, lane) => {
      for (let n = lane; n < 1_050; n += 32) await store.put(`users/1/many/${n}`, bodyOf('x'), 1);
    }));
    await store.close();
    const told = await dav('PROPFIND', 'many/', { depth: '1', 'accept-encoding': 'identity' }, propfind('<prop><getcontentlength/></prop>'));
    expect(new Set(hrefs(told)).size).toBe(1_051);
    const packed = await new Promise<Buffer>((resolve, reject) => {
      const headers = { depth: '1', authorization: `Bearer ${system.adminToken}`, 'accept-encoding': 'gzip' };
      const chunks: Buffer[] = [];
      const sent = request(`${system.url}/v1/files/many/`, { method: 'PROPFIND', headers }, (reply) => reply.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => resolve(Buffer.concat(chunks))));
      sent.on('error', reject).end(propfind('<prop><getcontentlength/></prop>'));
    });
    expect(gunzipSync(packed).toString()).toBe(told.text);
    expect(packed.length).toBeLessThan(told.text.length / 10);
  }, 60_000);

  it('tells how much room there is', async () => {
    const { text } = await dav('PROPFIND', '', { depth: '0' }, propfind('<prop><quota-used-bytes/><quota-available-bytes/></prop>'));
    const [used, available] = ['used', 'available'].map((which) => Number(new RegExp(`<D:quota-${which}-bytes>(\\d+)<`).exec(text)![1]));
    expect(used! + available!).toBe(100_000_000_000);
  });

  it('without an end, of nothing, or that is not understood is refused', async () => {
    const told = await Promise.all([dav('PROPFIND', '', { depth: 'infinity' }), dav('PROPFIND', ''), dav('PROPFIND', '', { depth: '2' }), dav('PROPFIND', 'nothing', { depth: '0' })]);
    expect(told.map(({ status, code }) => [status, code])).toEqual([[403, undefined], [403, undefined], [400, 'invalid_header'], [404, 'file_not_found']]);
    expect(told[0].text).toContain('<D:propfind-finite-depth/>');
  });

  it.each([
    ['a DOCTYPE', '<!DOCTYPE a SYSTEM "file:///etc/passwd"><propfind xmlns="DAV:"><allprop/></propfind>', 400, 'invalid_xml'],
    ['a billion laughs', `<!DOCTYPE l [<!ENTITY a "ha">${'bcdefghij'.split('').map((name, n) => `<!ENTITY ${name} "${`&${'abcdefghi'[n]};`.repeat(10)}">`).join('')}]><propfind xmlns="DAV:">&j;</propfind>`, 400, 'invalid_xml'],
    ['an empty prefix', '<propfind xmlns="DAV:"><prop><b:x xmlns:b=""/></prop></propfind>', 400, 'invalid_xml'],
    ['an unbound prefix', '<D:propfind><D:allprop/></D:propfind>', 400, 'invalid_xml'],
    ['half a body', '<propfind xmlns="DAV:"><allp', 400, 'invalid_xml'],
    ['JSON', '{"a": 1}', 400, 'invalid_xml'],
    ['what is no UTF-8', '<propfind xmlns="DAV:">\u00ff</propfind>', 400, 'invalid_xml'],
    ['nesting without end', '<a>'.repeat(10_000), 400, 'invalid_xml'],
    ['64 KiB and one byte', `${propfind('<allprop/>')}<!--${'x'.repeat(65_536)}-->`, 413, 'payload_too_large'],
  ])('with %s is refused', async (what, body, status, code) => {
    const told = await dav('PROPFIND', '', { depth: '0' }, what === 'what is no UTF-8' ? Buffer.from(body, 'latin1') : body);
    expect([told.status, told.code]).toEqual([status, code]);
  });
});

describe('MOVE and COPY', () => {
  it('take a name with a plus as it is, and keep or replace what is there', async () => {
    await put('m/a+b', 'one');
    await put('m/other', 'two');
    expect((await dav('COPY', 'm/a+b', { ...to('m/other'), overwrite: 'F' })).code).toBe('precondition_failed');
    expect((await dav('COPY', 'm/a+b', { ...to('m/c+d'), overwrite: 'F' })).status).toBe(201);
    expect((await dav('MOVE', 'm/c+d', to('m/other'))).status).toBe(204);
    expect(hrefs(await dav('PROPFIND', 'm/', { depth: '1' }))).toEqual(['m/', 'm/a%2Bb', 'm/other']);
  });

  it.each([
    ['to another server', 'm/a+b', { destination: 'http://files.example.org/v1/files/x' }, 502, 'bad_destination'],
    ['to another port', 'm/a+b', { destination: 'http://127.0.0.1:1/v1/files/x' }, 502, 'bad_destination'],
    ['to another drive', 'm/a+b', { destination: '/v1/shared/lab/x' }, 502, 'bad_destination'],
    ['to no file at all', 'm/a+b', { destination: '/v1/gpus' }, 502, 'bad_destination'],
    ['out of the drive', 'm/a+b', { destination: '/v1/files/../x' }, 400, 'invalid_path'],
    ['to an encoded slash', 'm/a+b', { destination: '/v1/files/x%2Fy' }, 400, 'invalid_path'],
    ['nowhere', 'm/a+b', {}, 400, 'invalid_header'],
    ['onto itself', 'm/a+b', { destination: '/v1/files/m/a+b' }, 403, 'forbidden'],
    ['into itself', 'm', { destination: '/v1/files/m/x/y' }, 403, 'forbidden'],
    ['onto the folder that it lies in', 'm/a+b', { destination: '/v1/files/m' }, 403, 'forbidden'],
    ['onto the drive', 'm/a+b', { destination: '/v1/files/' }, 403, 'forbidden'],
    ['below the shared drives', 'm/a+b', { destination: '/v1/files/shared/x' }, 404, 'org_not_found'],
    ['into a folder that is missing', 'm/a+b', { destination: '/v1/files/missing/x' }, 409, 'conflict'],
    ['from nothing', 'm/nothing', { destination: '/v1/files/m/x' }, 404, 'file_not_found'],
    ['at half a depth', 'm', { destination: '/v1/files/n', depth: '1' }, 400, 'invalid_header'],
  ])('%s are refused, and nothing is lost', async (_, path, headers, status, code) => {
    await put('m/a+b', 'one');
    for (const method of ['COPY', 'MOVE']) expect(await dav(method, path, headers as unknown as Record<string, string>)).toMatchObject({ status, code });
    expect((await dav('PROPFIND', 'm/a+b', { depth: '0' })).status).toBe(207);
  });

  it('take properties along, within the same name too where it is written in another normal form', async () => {
    await put('m/na%C3%AFve', 'x');
    const set = '<propertyupdate xmlns="DAV:"><set><prop><c xmlns="urn:x">blue</c></prop></set></propertyupdate>';
    expect((await dav('PROPPATCH', 'm/nai%CC%88ve', {}, set)).text).toContain('200 OK');
    await dav('MOVE', 'm/na%C3%AFve', to('m/moved'));
    expect((await dav('PROPFIND', 'm/moved', { depth: '0' }, propfind('<prop><c xmlns="urn:x"/></prop>'))).text).toContain('>blue</c>');
  });
});

describe('folders', () => {
  it('are made once, in one that is there, without a body', async () => {
    expect((await dav('MKCOL', 'made/')).status).toBe(201);
    const told = [await dav('MKCOL', 'made'), await dav('MKCOL', ''), await dav('MKCOL', 'missing/a'), await dav('MKCOL', 'made/b', { 'content-type': 'text/xml' }, '<a/>'), await dav('MKCOL', 'made/a%2Fb')];
    expect(told.map(({ status, code }) => [status, code])).toEqual([[405, 'file_exists'], [405, 'file_exists'], [409, 'conflict'], [415, 'unsupported_media_type'], [400, 'invalid_path']]);
  });

  it('of the server\'s own properties are not written to, and nothing else of the same request is', async () => {
    const set = '<propertyupdate xmlns="DAV:"><set><prop><getetag>x</getetag><c xmlns="urn:x">blue</c></prop></set></propertyupdate>';
    const { status, text } = await dav('PROPPATCH', 'made/', {}, set);
    expect([status, /403 Forbidden/.test(text), /cannot-modify-protected-property/.test(text), /424 Failed Dependency/.test(text)]).toEqual([207, true, true, true]);
    expect((await dav('PROPFIND', 'made/', { depth: '0' }, propfind('<prop><c xmlns="urn:x"/></prop>'))).text).toContain('404');
  });
});

describe('the shared drives below my drive', () => {
  it('are there for who belongs to an org, and can only be read', async () => {
    expect(hrefs(await dav('PROPFIND', '', { depth: '1' }))).not.toContain('shared/');
    expect((await dav('PROPFIND', 'shared/', { depth: '1' })).code).toBe('file_not_found');
    await system.admin.post('/v1/admin/orgs', { slug: 'lab', name: 'Lab', owner_user_id: 1 });
    await fetch(`${system.url}/v1/shared/lab/sets/a`, { method: 'PUT', body: 'data', headers: { authorization: `Bearer ${system.adminToken}` } });
    expect(hrefs(await dav('PROPFIND', '', { depth: '1' }))).toContain('shared/');
    expect(hrefs(await dav('PROPFIND', 'shared/', { depth: '1' }))).toEqual(['shared/', 'shared/lab/']);
    expect(hrefs(await dav('PROPFIND', 'shared/lab/sets', { depth: '1' }))).toEqual(['shared/lab/sets/', 'shared/lab/sets/a']);
    expect((await dav('OPTIONS', 'shared/lab/')).headers.get('allow')).not.toContain('LOCK');
    const set = '<propertyupdate xmlns="DAV:"><set><prop><c xmlns="urn:x">blue</c></prop></set></propertyupdate>';
    const writes = [
      dav('PUT', 'shared/lab/sets/a', {}, 'y'), dav('DELETE', 'shared/lab/sets/a'), dav('DELETE', 'shared/'), dav('MKCOL', 'shared'), dav('MKCOL', 'shared/lab/new'), dav('MOVE', 'shared/lab/sets/a', to('a')),
      dav('MOVE', 'm/a+b', to('shared/lab/a')), dav('COPY', 'm/a+b', to('shared/lab/a')), dav('LOCK', 'shared/lab/sets/a', {}, lockBody()), dav('PROPPATCH', 'shared/lab/sets/a', {}, set),
    ];
    await put('m/a+b');
    for (const told of await Promise.all(writes)) expect(told).toMatchObject({ status: 403, code: 'forbidden' });
    expect(await dav('COPY', 'shared/lab/sets/a', to('mine'))).toMatchObject({ status: 502, code: 'bad_destination' });
    expect((await dav('PROPFIND', 'shared/other/', { depth: '0' })).code).toBe('org_not_found');
  });
});

describe('locks', () => {
  it('go as Windows and macOS have it: lock a new file, write it, unlock it', async () => {
    const options = await dav('OPTIONS', '');
    expect([options.headers.get('dav'), options.headers.get('ms-author-via')]).toEqual(['1, 2', 'DAV']);
    const taken = await lock('w.txt', { timeout: 'Second-600', depth: '0' });
    expect(taken).toMatchObject({ status: 201, token: expect.stringMatching(/^opaquelocktoken:[0-9a-f-]{36}$/) });
    expect(taken.text).toMatch(/<D:timeout>Second-(600|59\d)<.*<D:lockroot><D:href>\/v1\/files\/w.txt</);
    expect(await put('w.txt', 'new')).toMatchObject({ status: 423, code: 'locked' });
    expect((await put('w.txt', 'new', { if: `(<${taken.token}>)` })).status).toBe(204);
    const refreshed = await dav('LOCK', 'w.txt', { if: `(<${taken.token}>)`, timeout: 'Second-900' });
    expect([refreshed.status, /Second-(900|89\d)</.test(refreshed.text)]).toEqual([200, true]);
    expect((await dav('PROPFIND', 'w.txt', { depth: '0' }, propfind('<prop><lockdiscovery/></prop>'))).text).toContain(taken.token);
    expect((await dav('UNLOCK', 'w.txt', { 'lock-token': `<${taken.token}>` })).status).toBe(204);
    expect((await dav('UNLOCK', 'w.txt', { 'lock-token': `<${taken.token}>` })).code).toBe('conflict');
    expect((await put('w.txt', 'free')).status).toBeLessThan(400);
  });

  it('keep everybody with curl away, too, and are shared by those who share', async () => {
    await dav('MKCOL', 'l');
    await put('l/a');
    const [one, two] = [await lock('l/a', {}, 'shared'), await lock('l/a', {}, 'shared')];
    expect([one.status, two.status, (await lock('l/a')).status]).toEqual([200, 200, 423]);
    expect((await dav('DELETE', 'l/a')).code).toBe('locked');
    expect((await dav('POST', 'l/a', { 'x-content-length': '1' })).code).toBe('locked');
    expect((await dav('DELETE', 'l/a', { if: `(<${two.token}>)` })).status).toBe(200);
    expect((await lock('l/a')).status).toBe(201);
  });

  it('of a folder meet those in it, which are told one by one', async () => {
    await put('n/a');
    await put('n/b');
    const inner = await lock('n/b');
    const outer = await lock('n', { depth: 'infinity' });
    expect([outer.status, hrefs(outer), /423 Locked.*424 Failed/s.test(outer.text)]).toEqual([207, ['n/b', 'n'], true]);
    const moved = await dav('MOVE', 'n', to('n2'));
    expect([moved.status, hrefs(moved)]).toEqual([207, ['n/b', 'n']]);
    expect((await dav('DELETE', 'n')).code).toBe('locked');
    expect((await dav('MOVE', 'n', { ...to('n2'), if: `</v1/files/n/b> (<${inner.token}>)` })).status).toBe(201);
  });

  it('are asked for by conditions: all of a list must hold, one list is enough', async () => {
    await put('c.txt', 'one');
    const { headers } = await dav('HEAD', 'c.txt');
    const etag = headers.get('etag')!;
    const { token } = await lock('c.txt');
    const status = async (condition: string) => (await put('c.txt', 'one', { if: condition })).status;
    expect(await status(`(<${token}> [${etag}])`)).toBe(204);
    expect(await status(`(<${token}> ["other"]) (<${token}> Not <DAV:no-lock>)`)).toBe(204);
    expect(await status(`<${system.url}/v1/files/c.txt> (<${token}>)`)).toBe(204);
    expect(await status(`(<${token}> ["other"])`)).toBe(412);
    expect(await status('(<opaquelocktoken:other>)')).toBe(412);
    expect(await status('(Not <opaquelocktoken:other>)')).toBe(423);
    expect(await status(`</v1/files/elsewhere> (<${token}>)`)).toBe(412);
    expect(await status(`<http://elsewhere.example/v1/files/c.txt> (<${token}>)`)).toBe(412);
    expect(await status(`(<${token}>`)).toBe(400);
  });

  it.each([
    ['without a scope', 'x.txt', {}, '<lockinfo xmlns="DAV:"><locktype><write/></locktype></lockinfo>', 400, 'invalid_xml'],
    ['that refresh nothing', 'c.txt', {}, '', 400, 'invalid_header'],
    ['of depth 1', 'x.txt', { depth: '1' }, lockBody(), 400, 'invalid_header'],
    ['in a folder that is missing', 'missing/x.txt', {}, lockBody(), 409, 'conflict'],
  ])('%s are refused', async (_, path, headers, body, status, code) => {
    expect(await dav('LOCK', path, headers as unknown as Record<string, string>, body)).toMatchObject({ status, code });
  });

  it('hold though the server is killed', async () => {
    await put('k.txt', 'old');
    const { token } = await lock('k.txt', { timeout: 'Second-3600' });
    await system.stop('SIGKILL');
    system = await startOn(system.folder, { KGPU_RATE_LIMIT_PER_MINUTE: '1000000' });
    expect((await put('k.txt')).code).toBe('locked');
    expect((await put('k.txt', 'new', { if: `(<${token}>)` })).status).toBe(204);
  });

  it('of somebody else open nothing, and nobody sees another\'s drive', async () => {
    const { user_id } = (await system.admin.post('/v1/admin/users', { email: 'ann@example.org' })).body;
    const { token: ann } = (await system.admin.post(`/v1/admin/users/${user_id}/tokens`)).body;
    await put('o.txt');
    const { token } = await lock('o.txt');
    expect((await dav('PROPFIND', 'o.txt', { depth: '0' }, undefined, ann)).code).toBe('file_not_found');
    expect((await dav('PUT', 'o.txt', { if: `(<${token}>)` }, 'x', ann)).code).toBe('precondition_failed');
    expect((await dav('PROPFIND', '', { depth: '0' }, undefined, 'kgpu_wrong')).status).toBe(401);
  });
});
