import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { CollectedOutput } from '../collected-output.ts';
import type { ContainerStatus } from '../compute.ts';
import { shortText } from '../short-text.ts';
import { readyFile } from './container-options.ts';
import type { EngineHttp } from './engine-http.ts';
import { FrameReader } from './frame-reader.ts';
import { labels } from './labels.ts';

export interface ContainerView {
  docker: Docker;
  engine: EngineHttp;
  /** Of each rental's container that has said it is ready: it is not asked again. */
  ready: Map<string, ReadyMark>;
}

export interface ReadyMark {
  /** The engine's id of the container. */
  id: string;
  /** What its main process wrote for the renter; empty when all is well. */
  text: string;
}

/** What the engine's answer means for a rental. */
export async function statusOf(gpuId: string, container: Docker.ContainerInspectInfo, view: ContainerView): Promise<ContainerStatus> {
  const { State: state, HostConfig: host } = container;
  // made, but we were killed before we started it
  if (state.Status === 'created') return { gpuId, state: 'absent' };
  const ready = await readyMark(gpuId, container, view);
  if (state.Running) {
    const warnings = [host.NetworkMode === 'none' ? 'This engine gives its containers no network.' : '', ready?.text ?? ''].filter((warning) => warning !== '');
    const told = warnings.length > 0 ? { warning: warnings.join(' ') } : {};
    return ready !== null ? { gpuId, state: 'ready', ...told } : { gpuId, state: 'starting', message: 'kgpu-bootstrap is at work', ...told };
  }
  const message = await whyItEnded(container, view.docker);
  return ready !== null ? { gpuId, state: 'exited', message, ...endedAt(state.FinishedAt) } : { gpuId, state: 'start_failed', message };
}

/** The engine says the year 1 when it doesn't know. */
function endedAt(finishedAt: string): { endedAt?: Date } {
  const at = new Date(finishedAt);
  return at.getTime() > 0 ? { endedAt: at } : {};
}

/** By the file that the main process makes; read through the engine, so that waiting costs no process in the container. */
async function readyMark(gpuId: string, { Id: id, Config: config }: Docker.ContainerInspectInfo, { docker, engine, ready }: ContainerView): Promise<ReadyMark | null> {
  const known = ready.get(gpuId);
  if (known?.id === id) return known;
  if (config.Labels[labels.main] === 'image') return { id, text: '' };
  const { status, headers } = await engine.request('HEAD', `/containers/${id}/archive?path=${encodeURIComponent(readyFile)}`);
  if (status !== 200) return null;
  const mark = { id, text: sizeIn(headers) === 0 ? '' : shortText(await smallFile(docker, id, readyFile)) };
  ready.set(gpuId, mark);
  return mark;
}

/** Of the file that the engine was asked about. */
function sizeIn(headers: IncomingHttpHeaders): number {
  const stat = JSON.parse(Buffer.from(String(headers['x-docker-container-path-stat']), 'base64').toString('utf8')) as { size: number };
  return stat.size;
}

/** The beginning of a file in a container; the engine sends it as a tar of one entry. Empty for what is no plain file. */
async function smallFile(docker: Docker, id: string, path: string): Promise<string> {
  const tar = await docker.getContainer(id).getArchive({ path }) as Readable;
  let bytes = Buffer.alloc(0);
  for await (const chunk of tar) {
    bytes = Buffer.concat([bytes, chunk as Buffer]);
    if (bytes.length > 8_192) break;
  }
  const size = Number.parseInt(bytes.toString('latin1', 124, 136), 8);
  const isFile = bytes[156] === 0x30 || bytes[156] === 0;
  return isFile ? bytes.toString('utf8', 512, 512 + Math.min(size, 4_096)) : '';
}

async function whyItEnded({ Id: id, State: state }: Docker.ContainerInspectInfo, docker: Docker): Promise<string> {
  if (state.OOMKilled) return 'out of memory';
  const ended = state.Error || `its main process ended with ${state.ExitCode}`;
  const said = await lastWords(docker, id).catch(() => '');
  return said === '' ? ended : `${ended}: ${said}`;
}

async function lastWords(docker: Docker, id: string): Promise<string> {
  const framed = await docker.getContainer(id).logs({ stdout: true, stderr: true, tail: 20 });
  const said = new CollectedOutput();
  await new FrameReader(said).take(framed);
  return said.text.trim().slice(-500);
}
