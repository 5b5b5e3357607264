/** The guide for agents and scripts: prose from `guide/agent-guide.md`, tables from the contract. */
import { problemCodes, routes, webdavRoutes, type Route } from '@kgpu/contracts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The guide as the repository shows it is that of a server with the usual settings. */
export const repositoryGuide = join(import.meta.dirname, '../../../../AGENTS.md');
export const repositoryBase = 'http://127.0.0.1:8080';

/** Rent, run, return: what the landing page and the guide begin with. */
export const firstRequests = `GPU=$(curl -sS -X POST -H "Authorization: Bearer $KGPU_API_TOKEN" -H "Content-Type: application/json" \\
  "$KGPU_API_BASE/v1/gpus" -d '{"image": "debian:12-slim", "wait_seconds": 60}' | jq -r .gpu_id)

curl -sS -X POST -H "Authorization: Bearer $KGPU_API_TOKEN" -H "Content-Type: application/json" \\
  "$KGPU_API_BASE/v1/runs" -d "{\\"gpu_id\\": \\"$GPU\\", \\"command\\": [\\"uname\\", \\"-a\\"]}"

curl -sS -X DELETE -H "Authorization: Bearer $KGPU_API_TOKEN" "$KGPU_API_BASE/v1/gpus/$GPU"`;

/** Markdown. `base`: where the server answers that the guide is about. */
export function agentGuide(base: string): string {
  const template = readFileSync(join(import.meta.dirname, '../../guide/agent-guide.md'), 'utf8');
  const parts: Record<string, () => string> = { base: () => base, first_requests: () => firstRequests, routes: routeTables, problems: problemTable };
  return template.replace(/\{\{(\w+)\}\}/g, (_, name: string) => parts[name]!());
}

function routeTables(): string {
  const all: Route[] = [...Object.values(routes), ...Object.values(webdavRoutes)];
  const tags = [...new Set(all.map(({ tag }) => tag))];
  return tags.map((tag) => `### ${tag}\n\n${table(['Route', 'Token', 'What'], all.filter((route) => route.tag === tag).map(row))}`).join('\n\n');
}

function row(route: Route): string[] {
  const query = Object.keys((route.query as { shape?: object } | undefined)?.shape ?? {});
  const path = query.length === 0 ? route.path : `${route.path}?${query.map((name) => `${name}=`).join('&')}`;
  const what = route.description === undefined ? route.summary : `${route.summary}. ${route.description}`;
  return [`${route.method} \`${path}\``, tokens[route.auth] + (route.rentalToken ? ', rental' : ''), what];
}

const tokens = { none: '–', optional: 'optional', bearer: 'yours', admin: "an admin's" };

function problemTable(): string {
  return table(['Code', 'Status', 'Meaning'], Object.entries(problemCodes).map(([code, [status, title]]) => [`\`${code}\``, String(status), title]));
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
