/** The `If` header (RFC 4918, 10.4): lists of conditions on locks and etags, of the request's resource or of tagged ones. */
import { invalidHeader } from './invalid-header.ts';

export type Condition = { not: boolean } & ({ token: string } | { etag: string });

export interface ConditionList {
  /** The URL it is about; null: the request's own. */
  resource: string | null;
  /** All must hold. */
  conditions: Condition[];
}

const MAX_CONDITIONS = 100;

/** At least one list must hold; `[]` without a header. @throws Problem `invalid_header` */
export function parseIf(header: string | undefined): ConditionList[] {
  if (header === undefined) return [];
  const lists: ConditionList[] = [];
  let rest = header.trim();
  let resource: string | null = null;
  let tagUsed = true;
  let conditions = 0;
  while (rest !== '') {
    const tag = take(/^<([^<>\s]+)>\s*/);
    if (tag !== null) {
      // Tags come before all lists, or before none.
      if (!tagUsed || (resource === null && lists.length > 0)) throw malformed();
      [, resource] = tag as unknown as [string, string];
      tagUsed = false;
      continue;
    }
    if (take(/^\(\s*/) === null) throw malformed();
    lists.push({ resource, conditions: takeConditions() });
    tagUsed = true;
  }
  if (lists.length === 0 || !tagUsed) throw malformed();
  return lists;

  function takeConditions(): Condition[] {
    const taken: Condition[] = [];
    while (take(/^\)\s*/) === null) {
      if (++conditions > MAX_CONDITIONS) throw invalidHeader(`If holds more than ${MAX_CONDITIONS} conditions.`);
      const not = take(/^not\s+(?=[<[])|^not(?=[<[])/i) !== null;
      const token = take(/^<([^<>\s]{1,200})>\s*/);
      const etag = token === null ? take(/^\[\s*((?:W\/)?"[^"]*")\s*\]\s*/) : null;
      if (token !== null) taken.push({ not, token: token[1]! });
      else if (etag !== null) taken.push({ not, etag: etag[1]! });
      else throw malformed();
    }
    if (taken.length === 0) throw malformed();
    return taken;
  }

  function take(pattern: RegExp): RegExpExecArray | null {
    const found = pattern.exec(rest);
    if (found !== null) rest = rest.slice(found[0].length);
    return found;
  }
}

/** Every token that the header submits, wherever it stands in it. */
export function submittedTokens(lists: readonly ConditionList[]): string[] {
  return [...new Set(lists.flatMap(({ conditions }) => conditions.flatMap((condition) => ('token' in condition ? [condition.token] : []))))];
}

/** What a resource is like, for the conditions on it. */
export interface ResourceState {
  /** Of the locks that cover it. */
  tokens: ReadonlySet<string>;
  /** Quoted; null when nothing is there. */
  etag: string | null;
}

/** Whether a list holds. The states of all its resources were looked up before. */
export function holds({ conditions }: ConditionList, { tokens, etag }: ResourceState): boolean {
  return conditions.every((condition) => ('token' in condition ? tokens.has(condition.token) : condition.etag === etag) !== condition.not);
}

function malformed(): ReturnType<typeof invalidHeader> {
  return invalidHeader('If is not a list of conditions (RFC 4918, 10.4).');
}
