import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { RentalFolder } from './rental-folder.ts';

describe("a rental's folder", () => {
  let path: string;
  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), 'kgpu-folder-'));
  });
  afterEach(() => rmSync(path, { recursive: true }));

  it('holds whole files though several write them at once', async () => {
    const folder = new RentalFolder(path);
    const identities = Array.from({ length: 50 }, (_, index) => ({ pid: index + 1, startTime: '1', bootId: 'boot' }));
    await Promise.all(identities.map((identity) => folder.recordProcess(identity)));
    expect(identities).toContainEqual(await folder.process());
    expect(readdirSync(path)).toEqual(['process.json']);
  });
});
