import { describe, expect, it } from '@jest/globals';
import type { Entry, EntryPage } from './drive-reader.ts';
import { folderHtml, namesHtml } from './folder-pages.ts';

const page = (paths: string[], next_cursor: string | null = null): EntryPage => ({
  next_cursor, found: true,
  entries: paths.map((path): Entry => (path.endsWith('/') ? { kind: 'folder', path: path.slice(0, -1) } : { kind: 'file', path, size: 3, etag: 'e', modified_at: '2026-05-17T01:00:00Z' })),
});
const htmlOf = async (...args: Parameters<typeof folderHtml>) => {
  let html = '';
  for await (const piece of folderHtml(...args)) html += piece;
  return html;
};
const hrefs = (html: string) => [...html.matchAll(/href="([^"]*)"/g)].map(([, href]) => href);
const never = () => Promise.reject(new Error('there is one page only'));

describe("a folder's page", () => {
  it('links to names below it, folders with a slash', async () => {
    const html = await htmlOf('/a/', page(['a/sub/', 'a/x.csv']), never);
    expect(hrefs(html)).toEqual(['./sub/', './x.csv']);
  });

  it.each(['a:b', '.hidden', '..x', 'a b+c%20d', '?q=1', '#h', "it's <b>&\"", 'é/世界', '\u{1f600}', "!'()*"])('links to %s so that a client comes back with exactly that', async (name) => {
    const path = `folder/${name.split('/').at(-1)}`;
    const [href] = hrefs(await htmlOf('/folder/', page([path]), never));
    expect(decodeURIComponent(new URL(href!, 'http://x/v1/files/folder/').pathname)).toBe(`/v1/files/${path}`);
  });

  it('holds no name as markup', async () => {
    const html = await htmlOf('/<script>/', page(['<script>alert(1)</script>', '"><img src=x>', '\u202egnp.exe']), never);
    expect(html).not.toMatch(/<script|<img|\u202e/);
  });

  it('goes on page by page to the end', async () => {
    const pages: Record<string, EntryPage> = { two: page(['b'], 'three'), three: page(['c']) };
    expect(hrefs(await htmlOf('/', page(['a'], 'two'), async (cursor) => pages[cursor]!))).toEqual(['./a', './b', './c']);
  });

  it('shows orgs as folders', () => {
    expect(hrefs(namesHtml('/', ['vitallab']))).toEqual(['./vitallab/']);
  });
});
