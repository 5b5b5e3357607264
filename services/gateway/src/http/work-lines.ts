/** Work of another part that is read while it goes on. */
export interface WorkUnderWay {
  /** Waits for the next lines; `done` after the last of them. */
  read: () => Promise<{ lines: readonly unknown[]; done: boolean }>;
  cancel: () => Promise<unknown>;
}

/** Its lines of JSON. Work whose reader has gone is stopped: it would be for nobody. */
export async function* workLines({ read, cancel }: WorkUnderWay, signal: AbortSignal): AsyncGenerator<string> {
  let isDone = false;
  try {
    while (!isDone && !signal.aborted) {
      const next = await read();
      isDone = next.done;
      if (next.lines.length > 0) yield lines(next.lines);
    }
  } finally {
    // A part that doesn't answer now ends it, or forgets it, by itself.
    if (!isDone) await cancel().catch(() => undefined);
  }
}

/** Values as lines of JSON. */
export function lines(values: readonly unknown[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join('');
}
