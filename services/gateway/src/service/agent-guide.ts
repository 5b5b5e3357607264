/** The guide for agents and scripts: prose from `guide/agent-guide.md`, tables from the contract. */
import { problemCodes, readConfig, routes, webdavRoutes, type Config, type Route } from '@kgpu/contracts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The guide as the repository shows it is that of a server with the usual settings. */
export const repositoryGuide = join(import.meta.dirname, '../../../../AGENTS.md');
export const repositoryServer: GuidedServer = { base: 'http://127.0.0.1:8080', config: readConfig({}) };

/** What the guide says of the server that it is about. */
export interface GuidedServer {
  /** Where it answers. */
  base: string;
  config: Pick<Config, 'KGPU_OUTPUT_RETENTION' | 'KGPU_IDLE_WARNING' | 'KGPU_IDLE_RETURN'>;
}

/** Rent, run, return: what the landing page and the guide begin with. */
export const firstRequests = `GPU=$(curl -sS -X POST -H "Authorization: Bearer $KGPU_API_TOKEN" -H "Content-Type: application/json" \\
  "$KGPU_API_BASE/v1/gpus" -d '{"image": "debian:12-slim", "wait_seconds": 60}' | jq -r .gpu_id)

curl -sS -X POST -H "Authorization: Bearer $KGPU_API_TOKEN" -H "Content-Type: application/json" \\
  "$KGPU_API_BASE/v1/runs" -d "{\\"gpu_id\\": \\"$GPU\\", \\"command\\": [\\"uname\\", \\"-a\\"]}"

curl -sS -X DELETE -H "Authorization: Bearer $KGPU_API_TOKEN" "$KGPU_API_BASE/v1/gpus/$GPU"`;

/** Markdown. */
export function agentGuide({ base, config }: GuidedServer): string {
  const template = readFileSync(join(import.meta.dirname, '../../guide/agent-guide.md'), 'utf8');
  const parts: Record<string, () => string> = {
    base: () => base, first_requests: () => firstRequests, routes: routeTables, problems: problemTable,
    output_retention: () => inWords(config.KGPU_OUTPUT_RETENTION), idle_warning: () => inWords(config.KGPU_IDLE_WARNING), idle_return: () => inWords(config.KGPU_IDLE_RETURN),
  };
  return template.replace(/\{\{(\w+)\}\}/g, (_, name: string) => parts[name]!());
}

/** 5_400_000 → `1 hour, 30 minutes`. */
function inWords(ms: number): string {
  const parts = { days: Math.floor(ms / 86_400_000), hours: Math.floor(ms / 3_600_000) % 24, minutes: Math.floor(ms / 60_000) % 60, seconds: Math.floor(ms / 1_000) % 60, milliseconds: ms % 1_000 };
  return new Intl.DurationFormat('en', { style: 'long' }).format(parts) || '0 seconds';
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
