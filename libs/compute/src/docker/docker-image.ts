import type { Readable } from 'node:stream';
import type Docker from 'dockerode';

/** An image that can't be had: the message is the registry's. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
}

/** Without a word of progress for so long a pull counts as stuck. */
const silenceMs = 120_000;
const wholeMs = 3_600_000;

/** Pulls an image unless it is there already: never asks a registry for what is local. Throws `ImageError`. */
export async function ensureImage(docker: Docker, name: string, signal: AbortSignal): Promise<void> {
  if (!/^[A-Za-z0-9][\w.:/@-]*$/.test(name)) throw new ImageError(`"${name}" is not the name of an image`);
  if (await isLocal(docker, name)) return;
  const image = /@|:[^/]+$/.test(name) ? name : `${name}:latest`; // without a tag the engine would pull all of them
  const stream = await docker.pull(image, { abortSignal: AbortSignal.any([signal, AbortSignal.timeout(wholeMs)]) }).catch((error: unknown) => {
    throw signal.aborted ? error : new ImageError(messageOf(error), { cause: error });
  }) as Readable;
  await readProgress(stream, signal);
}

async function isLocal(docker: Docker, name: string): Promise<boolean> {
  try {
    await docker.getImage(name).inspect();
    return true;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === undefined) throw error;
    return false; // 404, or 400: the pull will say why
  }
}

/** An error after the first byte comes as a line of JSON under status 200. */
async function readProgress(stream: Readable, signal: AbortSignal): Promise<void> {
  let rest = '';
  const stuck = setTimeout(() => stream.destroy(new ImageError(`the pull made no progress for ${silenceMs / 1_000} s`)), silenceMs);
  const abort = () => stream.destroy(new Error('given up'));
  signal.addEventListener('abort', abort, { once: true });
  try {
    for await (const chunk of stream) {
      stuck.refresh();
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop()!.slice(-65_536);
      lines.forEach(throwIfError);
    }
    throwIfError(rest);
  } finally {
    clearTimeout(stuck);
    signal.removeEventListener('abort', abort);
  }
}

function throwIfError(line: string): void {
  if (!line.includes('"error')) return;
  const { error, errorDetail } = JSON.parse(line) as { error?: string; errorDetail?: { message?: string } };
  if (error !== undefined || errorDetail !== undefined) throw new ImageError(errorDetail?.message ?? error ?? 'the pull failed');
}

/** The engine's own sentence without dockerode's "(HTTP code 404) no such image - …". */
export function messageOf(error: unknown): string {
  const { json, message } = error as { json?: { message?: string }; message?: string };
  return (json?.message ?? message ?? String(error)).replace(/^\(HTTP code \d+\) [^-]* - /, '').trim().slice(0, 1_000);
}
