/** Folders as people and mounts see them: HTML whose links are the contract of rclone's `:http:`, and JSON. */
import { encodeDrivePath } from '@kgpu/contracts';
import type { Entry, EntryPage } from './drive-reader.ts';

export const htmlHeaders = {
  'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store', 'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
  'referrer-policy': 'no-referrer', 'x-content-type-options': 'nosniff', vary: 'accept',
};

/** A whole folder, page by page; the first is there already, so that what is wrong is said before the answer begins. */
export async function* folderHtml(title: string, first: EntryPage, next: (cursor: string) => Promise<EntryPage>): AsyncGenerator<string, void, void> {
  yield head(title);
  for (let page = first; ;) {
    if (page.entries.length > 0) yield page.entries.map(line).join('');
    if (page.next_cursor === null) break;
    page = await next(page.next_cursor);
  }
  yield '</ul>\n';
}

/** Folders of these names, and nothing else. */
export function namesHtml(title: string, names: readonly string[]): string {
  return `${head(title)}${names.map((path) => line({ kind: 'folder', path })).join('')}</ul>\n`;
}

function head(title: string): string {
  const text = escapeHtml(title);
  return `<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>${text}</title>\n<h1>${text}</h1>\n<ul>\n`;
}

/** A name with a colon or at its beginning a dot stays a name because of `./`. */
function line(entry: Entry): string {
  const name = entry.path.slice(entry.path.lastIndexOf('/') + 1) + (entry.kind === 'folder' ? '/' : '');
  return `<li><a href="./${encodeDrivePath(name)}">${escapeHtml(name)}</a>${entry.kind === 'file' ? ` ${entry.size}` : ''}\n`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"'\u202a-\u202e\u2066-\u2069]/g, (char) => `&#${char.charCodeAt(0)};`);
}
