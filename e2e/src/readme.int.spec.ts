import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './workspace.ts';

describe('README.md', () => {
  it('lists the settings as the schema has them', () => {
    const check = spawnSync(process.execPath, [join(root, 'scripts/readme-config.mjs'), '--check'], { encoding: 'utf8' });
    expect(check).toMatchObject({ stderr: '', status: 0 });
  });
});
