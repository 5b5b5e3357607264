/**
 * Which of the media types on offer an `Accept` header likes best; the first of them where it doesn't matter, null when it
 * takes none (RFC 9110, 12.5.1).
 */
export function preferred<T extends string>(accept: string | undefined, offers: readonly T[]): T | null {
  if (accept === undefined || accept.trim() === '') return offers[0] ?? null;
  const ranges = accept.slice(0, 1_000).split(',').map(parseRange);
  let best: { offer: T; quality: number } | null = null;
  for (const offer of offers) {
    const quality = qualityOf(offer, ranges);
    if (quality > (best?.quality ?? 0)) best = { offer, quality };
  }
  return best?.offer ?? null;
}

interface Range {
  type: string;
  quality: number;
}

function parseRange(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const quality = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1);
  return { type, quality: quality >= 0 && quality <= 1 ? quality : 0 };
}

/** The quality of the most specific range that fits. */
function qualityOf(offer: string, ranges: Range[]): number {
  const wider = [offer, `${offer.split('/')[0]}/*`, '*/*'];
  for (const type of wider) {
    const range = ranges.find((candidate) => candidate.type === type);
    if (range !== undefined) return range.quality;
  }
  return 0;
}
