/**
 * fnmatch on a whole path: `*` any text, slashes too, `?` one character, `[a-z]` and `[!a-z]` one of a set. Written here because it is
 * matched against thousands of names in a request: no regular expression, which a pattern could make explode, but the search that
 * goes back to the last star only: at most pattern × name steps, and those are counted.
 */
const STAR = 0;
const ANY = 1;
type Part = typeof STAR | typeof ANY | string | { set: readonly (readonly [number, number])[]; negated: boolean };

export class Glob {
  /** Comparisons so far. */
  steps = 0;
  readonly #parts: readonly Part[];

  constructor(pattern: string) {
    this.#parts = parsed(Array.from(pattern.normalize('NFC')));
  }

  matches(path: string): boolean {
    const parts = this.#parts;
    const chars = Array.from(path);
    let [at, part, star, from] = [0, 0, -1, 0];
    while (at < chars.length) {
      this.steps++;
      if (parts[part] === STAR) {
        star = part++;
        from = at;
      } else if (part < parts.length && fits(parts[part]!, chars[at]!)) {
        part++;
        at++;
      } else if (star >= 0) {
        part = star + 1;
        at = ++from;
      } else {
        return false;
      }
    }
    while (parts[part] === STAR) part++;
    return part === parts.length;
  }
}

function fits(part: Part, char: string): boolean {
  if (typeof part === 'object') {
    const code = char.codePointAt(0)!;
    return part.set.some(([low, high]) => low <= code && code <= high) !== part.negated;
  }
  return part === ANY || part === char;
}

function parsed(chars: readonly string[]): Part[] {
  const parts: Part[] = [];
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at]!;
    const end = char === '[' ? endOfSet(chars, at) : -1;
    if (end > 0) {
      parts.push(setOf(chars.slice(at + 1, end)));
      at = end;
    } else if (char === '*') {
      if (parts.at(-1) !== STAR) parts.push(STAR);
    } else {
      parts.push(char === '?' ? ANY : char);
    }
  }
  return parts;
}

/** A `]` right at the beginning belongs to the set. -1: never closed, so the bracket stands for itself. */
function endOfSet(chars: readonly string[], open: number): number {
  const first = open + (chars[open + 1] === '!' ? 2 : 1);
  return chars.indexOf(']', first + 1);
}

function setOf(inside: readonly string[]): Part {
  const negated = inside[0] === '!';
  const chars = negated ? inside.slice(1) : inside;
  const set: [number, number][] = [];
  for (let at = 0; at < chars.length; at++) {
    const isRange = chars[at + 1] === '-' && at + 2 < chars.length;
    const low = chars[at]!.codePointAt(0)!;
    set.push([low, isRange ? chars[at + 2]!.codePointAt(0)! : low]);
    if (isRange) at += 2;
  }
  return { set, negated };
}
