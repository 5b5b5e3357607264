import { describe, expect, it } from '@jest/globals';
import { elementsOf, readXml, type XmlElement } from '../xml/read-xml.ts';
import { multistatus } from './multistatus.ts';
import { isLive, needsOf, teller, type DavResource } from './properties-of.ts';
import type { PropfindRequest } from '../requests/propfind-request.ts';

const file: DavResource = {
  href: '/v1/files/a%26b', name: 'a&b <1>', isFolder: false, size: 7, modifiedAt: '2026-05-17T01:00:00Z', etag: 'abc', contentType: 'text/plain',
  dead: new Map([['{urn:x}colour', '<c:colour xmlns:c="urn:x">blue</c:colour>']]), locks: [], isWritable: true, quota: null,
};
const folder: DavResource = {
  ...file, href: '/v1/files/f/', name: 'f', isFolder: true, modifiedAt: null, etag: null, dead: new Map(), quota: { used_bytes: 30, quota_bytes: 100, reserved_bytes: 20 },
};
const now = new Date('2026-05-17T02:00:00Z');
const dav = (...locals: string[]): PropfindRequest => ({ kind: 'some', wanted: locals.map((local) => ({ namespace: 'DAV:', local })) });

/** status → property → its text or the names of its elements */
function told(request: PropfindRequest, resource: DavResource): Record<string, Record<string, string>> {
  const tell = teller(request, { now, hrefOf: (path) => `/v1/files/${path}` });
  const [response] = elementsOf(readXml(Buffer.from(multistatus([tell(resource)]))));
  const stats = elementsOf(response!).filter(({ local }) => local === 'propstat').map(elementsOf);
  return Object.fromEntries(stats.map(([prop, status]) => [/\d{3}/.exec(inside(status!))![0], Object.fromEntries(elementsOf(prop!).map((each) => [each.local, inside(each)]))]));
}

function inside({ children }: XmlElement): string {
  return children.map((child) => (typeof child === 'string' ? child : child.local)).join('');
}

describe('the properties of a file', () => {
  it('are told as they are asked for, those that it has not apart', () => {
    expect(told(dav('displayname', 'getcontentlength', 'getlastmodified', 'getetag', 'resourcetype', 'creationdate', 'quota-used-bytes'), file)).toEqual({
      200: { displayname: 'a&b <1>', getcontentlength: '7', getlastmodified: 'Sun, 17 May 2026 01:00:00 GMT', getetag: '"abc"', resourcetype: '' },
      404: { creationdate: '', 'quota-used-bytes': '' },
    });
  });

  it('are told with those that were only kept, of any namespace', () => {
    const wanted = [{ namespace: 'urn:x', local: 'colour' }, { namespace: '', local: 'colour' }, { namespace: 'urn:<&">', local: 'y' }];
    expect(told({ kind: 'some', wanted }, file)).toEqual({ 200: { colour: 'blue' }, 404: { colour: '', y: '' } });
  });

  it('are all told but those that cost a look at the quota, and names alone when those are asked for', () => {
    expect(Object.keys(told({ kind: 'all', also: [] }, file)['200']!)).toEqual([
      'resourcetype', 'displayname', 'getcontentlength', 'getcontenttype', 'getetag', 'getlastmodified', 'supportedlock', 'lockdiscovery', 'colour',
    ]);
    expect(told({ kind: 'names' }, file)['200']).toMatchObject({ displayname: '', colour: '' });
    expect(told({ kind: 'all', also: [{ namespace: 'DAV:', local: 'quota-used-bytes' }] }, folder)['200']).toMatchObject({ 'quota-used-bytes': '30' });
  });

  it('that the server makes can be told from those that clients keep', () => {
    expect(['getetag', 'lockdiscovery', 'creationdate', 'anything'].map((local) => isLive({ namespace: 'DAV:', local }))).toEqual([true, true, true, false]);
    expect(isLive({ namespace: 'urn:x', local: 'getetag' })).toBe(false);
  });
});

describe('a folder', () => {
  it('is a collection without a length, and says what room there is', () => {
    expect(told(dav('resourcetype', 'getcontentlength', 'quota-available-bytes'), folder)).toEqual({ 200: { resourcetype: 'collection', 'quota-available-bytes': '50' }, 404: { getcontentlength: '' } });
  });
});

describe('a lock', () => {
  it('is told with its owner, its token, where it lies and how long it still holds', () => {
    const lock = { token: 'opaquelocktoken:1', path: 'a', depth: '0', scope: 'exclusive', owner: '<D:href>ann</D:href>', by: 1, timeout_seconds: 60, expires_at: '2026-05-17T02:00:30Z' } as const;
    const tell = teller(dav('lockdiscovery'), { now, hrefOf: (path) => `/v1/files/${path}` });
    const text = tell({ ...file, locks: [lock] });
    for (const part of ['<D:exclusive/>', '<D:owner><D:href>ann</D:href></D:owner>', 'Second-30<', 'opaquelocktoken:1', '/v1/files/a<']) expect(text).toContain(part);
  });
});

describe('what must be looked up', () => {
  it('is nothing for what rclone asks for', () => {
    expect(needsOf(dav('displayname', 'getlastmodified', 'getcontentlength', 'resourcetype'))).toEqual({ quota: false, locks: false, dead: false });
    expect(needsOf(dav('quota-available-bytes'))).toEqual({ quota: true, locks: false, dead: false });
    expect(needsOf({ kind: 'all', also: [] })).toEqual({ quota: false, locks: true, dead: true });
  });
});
