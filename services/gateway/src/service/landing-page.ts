import { createHash } from 'node:crypto';
import { firstRequests } from './agent-guide.ts';

const style = `
:root { color-scheme: light dark; }
body { font: 1rem/1.6 system-ui, sans-serif; max-width: 46rem; margin: 4rem auto; padding: 0 1rem; }
h1 { font-size: 2.2rem; margin: 0; }
pre { padding: 1rem; overflow-x: auto; border: 1px solid color-mix(in srgb, currentColor 25%, transparent); border-radius: .5rem; }
code { font: .9rem/1.5 ui-monospace, monospace; }
`;

/** Nothing is loaded, nothing runs, nobody frames it. */
export const landingPolicy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** What somebody sees who opens the server's address. `base`: that address. */
export function landingPage(base: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>kgpu</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>kgpu</h1>
<p>Rent a GPU with a container image, run commands in it over HTTP, return it. Credits are charged by the started minute.</p>
<pre tabindex="0"><code>${escape(`export KGPU_API_BASE=${base}\nexport KGPU_API_TOKEN=kgpu_…\n\n${firstRequests}`)}</code></pre>
<p><a href="/AGENTS.md">The guide for agents and scripts</a> · <a href="/openapi.json">OpenAPI 3.1</a> · <a href="/v1/gpus">The cluster now</a></p>
</main>
</body>
</html>
`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
