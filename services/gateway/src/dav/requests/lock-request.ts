import { davChild, invalidXml, isDav, type XmlElement } from '../xml/read-xml.ts';
import { writeContent } from '../xml/write-xml.ts';

export interface LockRequest {
  scope: 'exclusive' | 'shared';
  /** XML of the client, kept as it is. */
  owner: string;
}

const MAX_OWNER_CHARS = 4_096;

/** Null without a body: a lock is to be refreshed. @throws Problem `invalid_xml` */
export function parseLock(body: XmlElement | null): LockRequest | null {
  if (body === null) return null;
  if (!isDav(body, 'lockinfo')) throw invalidXml('It must be a DAV: lockinfo.');
  const type = davChild(body, 'locktype');
  if (type === undefined || davChild(type, 'write') === undefined) throw invalidXml('The only type of lock is write.');
  const scope = davChild(body, 'lockscope');
  const [exclusive, shared] = ['exclusive', 'shared'].map((local) => scope !== undefined && davChild(scope, local) !== undefined);
  if (exclusive === shared) throw invalidXml('A lock is exclusive or shared.');
  const owner = davChild(body, 'owner');
  const text = owner === undefined ? '' : writeContent(owner, body.declares);
  if (text.length > MAX_OWNER_CHARS) throw invalidXml(`The owner is longer than ${MAX_OWNER_CHARS} characters.`);
  return { scope: exclusive ? 'exclusive' : 'shared', owner: text };
}
