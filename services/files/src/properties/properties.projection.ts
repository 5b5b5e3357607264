/** The dead properties of all drives, as changes of them and the life of the files they lie on have left them. */
import type { DeadProperty, DriveId, KgpuEvent, PropertyEvent } from '@kgpu/contracts';

/** One drive's: by path, in no order. */
type Kept = Map<string, Map<string, string>>;

export interface PropertiesPage {
  found: { path: string; properties: DeadProperty[] }[];
  more: boolean;
}

const PAGE_CHARS = 262_144;

export class Properties {
  readonly #drives = new Map<DriveId, { kept: Kept; chars: number }>();

  apply(event: KgpuEvent): void {
    switch (event.type) {
      case 'PropertiesChanged':
        return this.changed(event.data);
      case 'DeletionCompleted':
        return this.deleted(event.data.drive, event.data.path, event.data.scope !== 'file');
      case 'TransferCompleted':
        return this.transferred(event.data.drive, { ...event.data, deep: event.data.folder && !event.data.shallow });
      default:
    }
  }

  changed({ drive, path, set, removed }: PropertyEvent['data']): void {
    const properties = new Map(this.#of(drive).kept.get(path));
    for (const name of removed) properties.delete(name);
    for (const { name, value } of set) properties.set(name, value);
    this.#put(drive, path, properties);
  }

  /** The path is gone, and with `deep` all below it. */
  deleted(drive: DriveId, path: string, deep: boolean): void {
    for (const [below] of this.#atOrBelow(drive, path)) if (deep || below === path) this.#put(drive, below, new Map());
  }

  /** What lay on the target and below it goes, and what lies on the source comes; with `deep` also what lies below it. */
  transferred(drive: DriveId, { path, to, kind, deep }: { path: string; to: string; kind: 'copy' | 'move'; deep: boolean }): void {
    const source = this.#atOrBelow(drive, path).filter(([below]) => deep || below === path);
    this.deleted(drive, to, true);
    for (const [below, properties] of source) {
      this.#put(drive, to + below.slice(path.length), properties);
      if (kind === 'move') this.#put(drive, below, new Map());
    }
  }

  of(drive: DriveId, path: string): ReadonlyMap<string, string> {
    return this.#drives.get(drive)?.kept.get(path) ?? new Map();
  }

  /** How many paths of the drive have some, and how many characters they are. */
  size(drive: DriveId): { paths: number; chars: number } {
    const { kept, chars } = this.#drives.get(drive) ?? { kept: new Map(), chars: 0 };
    return { paths: kept.size, chars };
  }

  /** Of the path, and with depth 1 of what lies directly in it, in the order of their paths. */
  page(drive: DriveId, { path, depth, after }: { path: string; depth: 0 | 1; after: string | null }): PropertiesPage {
    const paths = depth === 0 ? [path] : this.#atOrIn(drive, path);
    const found: PropertiesPage['found'] = [];
    let chars = 0;
    for (const each of paths) {
      const properties = this.of(drive, each);
      if (properties.size === 0 || (after !== null && each <= after)) continue;
      if (chars > PAGE_CHARS) return { found, more: true };
      found.push({ path: each, properties: [...properties].map(([name, value]) => ({ name, value })) });
      chars += charsOf(properties) + each.length;
    }
    return { found, more: false };
  }

  #of(drive: DriveId): { kept: Kept; chars: number } {
    const known = this.#drives.get(drive) ?? { kept: new Map(), chars: 0 };
    this.#drives.set(drive, known);
    return known;
  }

  #put(drive: DriveId, path: string, properties: Map<string, string>): void {
    const known = this.#of(drive);
    known.chars += charsOf(properties) - charsOf(this.of(drive, path));
    if (properties.size === 0) known.kept.delete(path);
    else known.kept.set(path, properties);
  }

  #atOrBelow(drive: DriveId, path: string): [string, Map<string, string>][] {
    return [...(this.#drives.get(drive)?.kept ?? [])].filter(([each]) => path === '' || each === path || each.startsWith(`${path}/`));
  }

  #atOrIn(drive: DriveId, path: string): string[] {
    const start = path === '' ? '' : `${path}/`;
    return this.#atOrBelow(drive, path).map(([each]) => each).filter((each) => each === path || !each.slice(start.length).includes('/')).sort();
  }
}

function charsOf(properties: ReadonlyMap<string, string>): number {
  let chars = 0;
  for (const [name, value] of properties) chars += name.length + value.length;
  return chars;
}
