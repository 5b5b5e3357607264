import { davChild, elementsOf, invalidXml, isDav, type XmlElement } from '../xml/read-xml.ts';

export interface PropertyName {
  namespace: string;
  local: string;
}

/** `all`: what RFC 4918 gives without being asked by name, and `also`. `names`: names only. `some`: these. */
export type PropfindRequest = { kind: 'all'; also: PropertyName[] } | { kind: 'names' } | { kind: 'some'; wanted: PropertyName[] };

/** `{namespace}local`, as properties are kept. */
export function keyOf({ namespace, local }: PropertyName): string {
  return `{${namespace}}${local}`;
}

/** No body asks for all (rclone sends none). @throws Problem `invalid_xml` */
export function parsePropfind(body: XmlElement | null): PropfindRequest {
  if (body === null) return { kind: 'all', also: [] };
  if (!isDav(body, 'propfind')) throw invalidXml('It must be a DAV: propfind.');
  const [prop, allprop, propname, include] = ['prop', 'allprop', 'propname', 'include'].map((local) => davChild(body, local));
  if ([prop, allprop, propname].filter((asked) => asked !== undefined).length !== 1) throw invalidXml('A propfind holds one of prop, allprop and propname.');
  if (propname !== undefined) return { kind: 'names' };
  if (prop !== undefined) return { kind: 'some', wanted: namesIn(prop) };
  return { kind: 'all', also: include === undefined ? [] : namesIn(include) };
}

/** Each once. */
function namesIn(element: XmlElement): PropertyName[] {
  return [...new Map(elementsOf(element).map(({ namespace, local }) => [keyOf({ namespace, local }), { namespace, local }])).values()];
}
