import { describe, expect, it } from '@jest/globals';
import { preferred } from './accept.ts';

const offers = ['text/html', 'text/markdown'] as const;

describe('the choice of a media type', () => {
  it.each([
    [undefined, 'text/html'],
    ['*/*', 'text/html'],
    ['text/markdown', 'text/markdown'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'text/html'],
    ['text/html;q=0.5, text/markdown', 'text/markdown'],
    ['text/*, text/html;q=0', 'text/markdown'],
    ['TEXT/Markdown; charset=utf-8', 'text/markdown'],
    ['application/json', null],
    ['text/html;q=nonsense', null],
  ])('follows %s', (accept, chosen) => {
    expect(preferred(accept, offers)).toBe(chosen);
  });
});
