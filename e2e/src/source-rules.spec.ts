import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { root, sources } from './workspace.ts';

const roles = 'projection|policy|store|module|controller|guard|filter|contract|bench';
const namePattern = new RegExp(`^[a-z0-9]+(-[a-z0-9]+)*(\\.(${roles}))?((\\.(int|e2e))?\\.spec)?\\.(ts|tsx|mjs)$`);
const emptyWords = /(^|[-.])(utils?|common|helpers?|base|manager|impl|dto|interface|handler)([-.]|$)/;
const all = sources('libs', 'services', 'e2e', 'bench', 'scripts');
const textOf = (path: string) => readFileSync(join(root, path), 'utf8');
const isTest = (path: string) => /(\.spec|\.contract|\/testing|\/given)\.ts$|\/testing\/|^(e2e|bench)\//.test(path);

describe('source files', () => {
  it('are named in kebab-case, with a role from the list only', () => {
    expect(all.filter((path) => !namePattern.test(basename(path)))).toEqual([]);
  });

  it('are not named by words that say nothing', () => {
    expect(all.filter((path) => emptyWords.test(basename(path)))).toEqual([]);
  });

  it('have at most 400 lines', () => {
    expect(all.filter((path) => textOf(path).split('\n').length > 401)).toEqual([]);
  });

  it('of services and libraries use the testing doors in tests only', () => {
    const users = all.filter((path) => !isTest(path) && /from '@kgpu\/[a-z-]+\/testing'/.test(textOf(path)));
    expect(users).toEqual([]);
  });
});
