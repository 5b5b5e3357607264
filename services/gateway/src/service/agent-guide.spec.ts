import { describe, expect, it } from '@jest/globals';
import { problemCodes, routes, webdavRoutes } from '@kgpu/contracts';
import { readFileSync } from 'node:fs';
import { agentGuide, repositoryBase, repositoryGuide } from './agent-guide.ts';

const guide = agentGuide('https://gpu.lab.org');

describe('the agent guide', () => {
  it('names every route and every problem', () => {
    for (const { method, path } of Object.values({ ...routes, ...webdavRoutes })) expect(guide).toMatch(new RegExp(`\\| ${method} \`${RegExp.escape(path)}[\`?]`));
    for (const code of Object.keys(problemCodes)) expect(guide).toContain(`| \`${code}\` |`);
  });

  it('tells where its server answers, and leaves no placeholder open', () => {
    expect(guide).toContain('export KGPU_API_BASE=https://gpu.lab.org\n');
    expect(guide).not.toContain('{{');
  });

  it('is the AGENTS.md of the repository (renew it: node services/gateway/dist/service/renew-agent-guide.js)', () => {
    expect(readFileSync(repositoryGuide, 'utf8')).toBe(agentGuide(repositoryBase));
  });
});
