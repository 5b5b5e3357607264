import { Problem } from '@kgpu/contracts';

const maxKeyBytes = 1_024;
const maxSegmentBytes = 255;
const neverInKeys = /[\p{Cc}\\\u2028\u2029]/u;

/**
 * Refuses, as `Problem('invalid_path')`, what some store can't hold: keys over 1,024 bytes of UTF-8, segments over 255,
 * empty segments, `.` and `..`, control characters, backslashes, text that is not Unicode. A slash at the end is fine:
 * that is how an empty folder is marked. `a` and `a/b` are two keys, and so are `A` and `a`.
 */
export function checkKey(key: string): void {
  const why = whatIsWrong(key);
  if (why !== null) throw new Problem('invalid_path', `The key ${why}`);
}

function whatIsWrong(key: string): string | null {
  if (!key.isWellFormed()) return 'is not Unicode';
  if (Buffer.byteLength(key) > maxKeyBytes) return `is longer than ${maxKeyBytes} bytes`;
  if (neverInKeys.test(key)) return 'holds a control character or a backslash';
  const segments = key.split('/');
  if (segments.length > 1 && segments.at(-1) === '') segments.pop();
  for (const segment of segments) {
    if (segment === '') return 'is empty or has an empty segment';
    if (segment === '.' || segment === '..') return 'has a segment . or ..';
    if (Buffer.byteLength(segment) > maxSegmentBytes) return `has a segment longer than ${maxSegmentBytes} bytes`;
  }
  return null;
}
