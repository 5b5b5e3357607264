/** What `npm start` tells people: where it answers, what it chose, and lines to copy. */

/** One part of the system and what was chosen for it. */
export interface Part {
  name: string;
  choice: string;
  /** What an operator must know about the choice. */
  notices?: readonly string[];
}

export interface Started {
  url: string;
  adminToken: string;
  parts: readonly Part[];
}

/** The lines that give a shell access, as a user would type them. */
export function exportLines({ url, adminToken }: Pick<Started, 'url' | 'adminToken'>): string[] {
  return [`export KGPU_API_BASE=${url}`, `export KGPU_API_TOKEN=${adminToken}`];
}

const authorization = '-H "Authorization: Bearer $KGPU_API_TOKEN"';
const json = `${authorization} -H 'Content-Type: application/json'`;
/** Three commands for a shell with these exports: rent, run, return. They need curl only. */
export const firstCommands = [
  `GPU=$(curl -sS "$KGPU_API_BASE/v1/gpus" ${json} -d '{"image":"debian:12-slim","wait_seconds":60}' | grep -o 'gpu-[0-9]*-[0-9]*-[0-9a-f]*' | head -1)`,
  `curl -sS "$KGPU_API_BASE/v1/runs" ${json} -d '{"gpu_id":"'$GPU'","command":["uname","-a"]}'`,
  `curl -sS -X DELETE "$KGPU_API_BASE/v1/gpus/$GPU" ${authorization}`,
];

export function banner(started: Started): string {
  const width = Math.max(...started.parts.map(({ name }) => name.length));
  const parts = started.parts.flatMap(({ name, choice, notices = [] }) => [
    `  ${name.padEnd(width)}  ${choice}`,
    ...notices.map((notice) => `  ${' '.repeat(width)}  ${notice}`),
  ]);
  return [
    `\nkgpu answers at ${started.url}\n`,
    ...parts,
    '\nIn another terminal, as the admin:\n',
    ...exportLines(started).map((line) => `  ${line}`),
    '\nRent a GPU, run something in it, return it:\n',
    ...firstCommands.map((line) => `  ${line}`),
    '\nCtrl-C stops the services. Rentals go on until they are returned or end by themselves.\n',
  ].join('\n');
}

/** What is said at the end, so that nobody pays for a rental that was forgotten. */
export function farewell(active: readonly { gpu_id: string; name: string }[], clearing = 0): string {
  const cleared = clearing === 0 ? [] : [`${clearing === 1 ? 'One returned rental is' : `${clearing} returned rentals are`} not cleared away yet: the next start does that.`];
  if (active.length === 0) return ['Stopped. No rental is left running.', ...cleared].join('\n');
  return [
    `Stopped. ${active.length === 1 ? 'One rental goes' : `${active.length} rentals go`} on and will be charged; start again to return ${active.length === 1 ? 'it' : 'them'}:`,
    ...active.map(({ gpu_id, name }) => `  ${gpu_id}${name === gpu_id ? '' : `  ${name}`}`),
    ...cleared,
  ].join('\n');
}
