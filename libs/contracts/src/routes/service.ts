import { z } from 'zod';
import { route } from './route.ts';

const readiness = z.object({ ok: z.boolean(), parts: z.record(z.string(), z.object({ ok: z.boolean(), message: z.string().optional() })) }).meta({ id: 'Readiness' });

export const serviceRoutes = {
  landing: route('GET /', { tag: 'Service', auth: 'none', summary: 'The landing page, or the agent guide as Markdown', replies: { 200: { description: 'By `Accept`', content: ['text/html', 'text/markdown'] } } }),
  agentGuide: route('GET /AGENTS.md', { tag: 'Service', auth: 'none', summary: 'The guide for agents and scripts', replies: { 200: { description: 'Markdown', content: ['text/markdown'] } } }),
  openApi: route('GET /openapi.json', { tag: 'Service', auth: 'none', summary: 'This contract as OpenAPI 3.1', replies: { 200: z.record(z.string(), z.unknown()) } }),
  livez: route('GET /livez', { tag: 'Service', auth: 'none', summary: 'Whether the gateway is alive', replies: { 200: z.object({ ok: z.literal(true) }) } }),
  readyz: route('GET /readyz', { tag: 'Service', auth: 'none', summary: 'Whether every part is ready', replies: { 200: readiness, 503: readiness } }),
  metrics: route('GET /metrics', { tag: 'Service', auth: 'none', summary: 'Metrics for Prometheus', replies: { 200: { description: 'Text format', content: ['text/plain'] } } }),
};
