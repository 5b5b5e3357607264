/** Writes the repository's AGENTS.md: `node services/gateway/dist/service/renew-agent-guide.js`. */
import { writeFileSync } from 'node:fs';
import { agentGuide, repositoryGuide, repositoryServer } from './agent-guide.ts';

writeFileSync(repositoryGuide, agentGuide(repositoryServer));
