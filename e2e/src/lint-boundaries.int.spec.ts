import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root, sources } from './workspace.ts';

const port = 'A port and its adapters import contracts only.';
const doors = 'A package has two doors: its name, and its name with /testing.';
const runtime = 'The runtime imports contracts and event-store only.';
const bus = 'Services talk over the bus and never import each other.';
const pure = 'A domain file is pure: it imports contracts and the Decider type only.';
const sqlite = 'Only adapters that keep data in SQLite know SQLite.';
const byName = 'Reach another package by its name.';

/** Files that break rules: where each lies, what it imports, what lint must say about it. */
const breaking: [path: string, code: string, ...messages: string[]][] = [
  ['libs/contracts/src/a.ts', "export * from '@kgpu/runtime';", 'Contracts import nothing of kgpu.'],
  ['libs/event-store/src/a.ts', "export * from '@kgpu/runtime';", port],
  ['libs/compute/src/a.ts', "export * from '@kgpu/event-store';", port],
  ['libs/compute/src/b.ts', "export * from '@kgpu/rental/testing';", port],
  ['libs/object-store/src/a.ts', "export * from '@kgpu/compute';", port],
  ['libs/runtime/src/a.ts', "export * from '@kgpu/compute';", runtime],
  ['libs/runtime/src/b.ts', "export * from '@kgpu/gateway';", runtime],
  ['services/gateway/src/a.ts', "export * from '@kgpu/rental';", bus],
  ['services/ledger/src/a.ts', "export * from '@kgpu/standalone';", bus],
  ['services/runner/src/a.ts', "export const rental = await import('@kgpu/rental/testing');", bus],
  ['services/rental/src/a.ts', "export * from 'node:sqlite';", sqlite],
  ['libs/contracts/src/b.ts', "export * from 'node:sqlite';", sqlite],
  ['services/standalone/src/a.ts', "export * from '@kgpu/rental/dist/index.js';", doors],
  ['services/gateway/src/b.ts', "export * from '@kgpu/contracts/src/ids.ts';", doors],
  ['e2e/src/a.ts', "export * from '@kgpu/rental/dist/rental/rental.js';", doors],
  ['services/gateway/src/c.ts', "export * from '../../../libs/contracts/src/ids.ts';", byName],
  ['services/files/src/a.ts', "export { b } from './b.ts';\nexport const a = 1;", 'Dependency cycle detected'],
  ['services/files/src/b.ts', "export type { a } from './a.ts';\nexport const b = 1;", 'Dependency cycle detected'],
  ['services/files/src/long.ts', 'export {};\n'.repeat(401), 'File has too many lines'],
  ...domainFiles().map((path): (typeof breaking)[number] => [
    path,
    "export * from '@kgpu/runtime';\nexport * from './other.ts';\nexport * from 'node:fs';\nexport { CommandHandler } from '@kgpu/event-store';",
    pure, pure, pure, 'A domain file is pure: of the event store it knows the Decider type only.',
  ]),
];

/** Files that do what they may. */
const innocent: [path: string, code: string][] = [
  ['libs/compute/src/a.ts', "export * from '@kgpu/contracts';\nexport * from '@kgpu/contracts/testing';"],
  ['libs/event-store/src/a.ts', "export * from '@kgpu/contracts';\nexport * from 'node:sqlite';"],
  ['libs/runtime/src/a.ts', "export * from '@kgpu/event-store';\nexport * from './b.ts';"],
  ['services/gateway/src/a.ts', "export * from '@kgpu/runtime';\nexport * from '@kgpu/event-store/testing';"],
  ['services/standalone/src/a.ts', "export * from '@kgpu/rental';"],
  ...domainFiles().map((path): (typeof innocent)[number] => [path, "export { Problem } from '@kgpu/contracts';\nexport type { Decider } from '@kgpu/event-store';"]),
];

/** Every file of the services that defines a decider is a domain file, whether the lint settings know it or not. */
function domainFiles(): string[] {
  return sources('services').filter((path) => !path.endsWith('.spec.ts') && /: Decider</.test(readFileSync(join(root, path), 'utf8')));
}

/** What lint says about a workspace of these files, by path: the texts that explain each finding. */
function lint(files: readonly (readonly [string, string, ...string[]])[]): Record<string, string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'kgpu-lint-'));
  try {
    copyFileSync(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
    // a workspace of its own, whatever lies in the folders above
    for (const name of ['package.json', 'tsconfig.json']) writeFileSync(join(folder, name), '{}\n');
    for (const [path, code] of files) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), `${code}\n`);
    }
    const { stdout } = spawnSync(process.execPath, [join(root, 'node_modules/oxlint/bin/oxlint'), '-f', 'json'], { cwd: folder, encoding: 'utf8' });
    const { diagnostics } = JSON.parse(stdout) as { diagnostics: { filename: string; message: string; help: string }[] };
    return Object.fromEntries(files.map(([path]) => [path, diagnostics.filter((d) => d.filename === path).map((d) => `${d.message} ${d.help}`)]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('lint', () => {
  const forbidden = lint(breaking);
  const allowed = lint(innocent);

  it.each(breaking)('finds what %s breaks', (path, _code, ...messages) => {
    expect(forbidden[path]).toHaveLength(messages.length);
    for (const message of messages) expect(forbidden[path]).toContainEqual(expect.stringContaining(message));
  });

  it.each(innocent)('lets %s do what it may', (path) => {
    expect(allowed[path]).toEqual([]);
  });
});
