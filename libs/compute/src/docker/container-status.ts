import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type Docker from 'dockerode';
import type { ContainerStatus } from '../compute.ts';
import { readyFile } from './container-options.ts';
import type { EngineHttp } from './engine-http.ts';
import { FrameReader } from './frame-reader.ts';
import { labels } from './labels.ts';

export interface ContainerView {
  docker: Docker;
  engine: EngineHttp;
  /** The engine's id of each rental's container that has said it is ready: it is not asked again. */
  ready: Map<string, string>;
}

/** What the engine's answer means for a rental. */
export async function statusOf(gpuId: string, container: Docker.ContainerInspectInfo, view: ContainerView): Promise<ContainerStatus> {
  const { State: state, HostConfig: host } = container;
  // made, but we were killed before we started it
  if (state.Status === 'created') return { gpuId, state: 'absent' };
  const ready = await isReady(gpuId, container, view);
  if (state.Running) {
    const warning = host.NetworkMode === 'none' ? { warning: 'This engine gives its containers no network.' } : {};
    return ready ? { gpuId, state: 'ready', ...warning } : { gpuId, state: 'starting', message: 'kgpu-bootstrap is at work', ...warning };
  }
  const message = await whyItEnded(container, view.docker);
  return ready ? { gpuId, state: 'exited', message, ...endedAt(state.FinishedAt) } : { gpuId, state: 'start_failed', message };
}

/** The engine says the year 1 when it doesn't know. */
function endedAt(finishedAt: string): { endedAt?: Date } {
  const at = new Date(finishedAt);
  return at.getTime() > 0 ? { endedAt: at } : {};
}

/** By the file that the main process makes; read through the engine, so that waiting costs no process in the container. */
async function isReady(gpuId: string, { Id: id, Config: config }: Docker.ContainerInspectInfo, { engine, ready }: ContainerView): Promise<boolean> {
  if (ready.get(gpuId) === id || config.Labels[labels.main] === 'image') return true;
  const { status } = await engine.request('HEAD', `/containers/${id}/archive?path=${encodeURIComponent(readyFile)}`);
  if (status === 200) ready.set(gpuId, id);
  return status === 200;
}

async function whyItEnded({ Id: id, State: state }: Docker.ContainerInspectInfo, docker: Docker): Promise<string> {
  if (state.OOMKilled) return 'out of memory';
  const ended = state.Error || `its main process ended with ${state.ExitCode}`;
  const said = await lastWords(docker, id).catch(() => '');
  return said === '' ? ended : `${ended}: ${said}`;
}

async function lastWords(docker: Docker, id: string): Promise<string> {
  const framed = await docker.getContainer(id).logs({ stdout: true, stderr: true, tail: 20 });
  const frames = new FrameReader();
  const said = Promise.all([text(frames.stdout), text(frames.stderr)]);
  await frames.read(Readable.from([framed]));
  return (await said).join('').trim().slice(-500);
}
