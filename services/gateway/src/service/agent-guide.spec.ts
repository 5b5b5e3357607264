import { describe, expect, it } from '@jest/globals';
import { problemCodes, readConfig, routes, webdavRoutes } from '@kgpu/contracts';
import { readFileSync } from 'node:fs';
import { agentGuide, repositoryGuide, repositoryServer } from './agent-guide.ts';

const guide = agentGuide({ base: 'https://gpu.lab.org', config: readConfig({ KGPU_OUTPUT_RETENTION: '36h', KGPU_IDLE_WARNING: '90s', KGPU_IDLE_RETURN: '15m' }) });

describe('the agent guide', () => {
  it('names every route and every problem', () => {
    for (const { method, path } of Object.values({ ...routes, ...webdavRoutes })) expect(guide).toMatch(new RegExp(`\\| ${method} \`${RegExp.escape(path)}[\`?]`));
    for (const code of Object.keys(problemCodes)) expect(guide).toContain(`| \`${code}\` |`);
  });

  it('tells where its server answers, and leaves no placeholder open', () => {
    expect(guide).toContain('export KGPU_API_BASE=https://gpu.lab.org\n');
    expect(guide).not.toContain('{{');
  });

  it('tells the times that its server is set to', () => {
    expect(guide).toContain('stays readable for 1 day, 12 hours under');
    expect(guide).toContain('nothing ran on it for 15 minutes; after 1 minute, 30 seconds it carries');
  });

  it('is the AGENTS.md of the repository (renew it: node services/gateway/dist/service/renew-agent-guide.js)', () => {
    expect(readFileSync(repositoryGuide, 'utf8')).toBe(agentGuide(repositoryServer));
  });
});
