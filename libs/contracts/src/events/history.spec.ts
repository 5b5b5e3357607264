import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { currentVersion, eventCodec, eventSchemas, UnknownEvent, type EventType } from './index.ts';
import { versionedCodec } from './versioned-codec.ts';

/** One real event of each type and version that was ever written. Files are added, never changed. */
const folder = join(import.meta.dirname, '..', '..', 'history');
const files = readdirSync(folder).sort();
/** Bodies are base64 there. */
function read(file: string) {
  const { body, ...event } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { type: EventType; v: number; data: object; body?: string };
  return { ...event, ...(body !== undefined && { body: Buffer.from(body, 'base64') }) };
}
const types = Object.keys(eventSchemas) as EventType[];

describe('events that were recorded once', () => {
  it.each(files)('%s is read in the current shape of its type, and nothing of it is lost', (file) => {
    const recorded = read(file);
    expect(file).toBe(`${recorded.type}.v${recorded.v}.json`);
    const { data } = eventCodec.decode(recorded);
    expect(eventSchemas[recorded.type].parse(data)).toEqual(data);
  });

  it('have their bytes as a body, however they were written', () => {
    const bodies = files.filter((file) => file.startsWith('OutputWritten')).map((file) => eventCodec.decode(read(file)).body);
    expect(bodies.map(String)).toEqual(['hello\n', 'hello\n', 'hello\n']);
    expect(eventCodec.decode({ type: 'OutputWritten', v: 2, data: { base64: '/w==' } }).body).toEqual(Buffer.from([255]));
  });

  it('are kept for every version of every type', () => {
    const needed = types.flatMap((type) => Array.from({ length: currentVersion(type) }, (_, index) => `${type}.v${index + 1}.json`));
    expect(files).toEqual(needed.sort());
  });
});

describe('an event of another version', () => {
  const codec = versionedCodec((type) => (type === 'Moved' ? 3 : 0), {
    'Moved@1': ({ data }) => ({ data: { ...data, unit: 'km' } }),
    'Moved@2': ({ data, body }) => ({ data: { ...data, by: null }, ...(body && { body }) }),
  });

  it('is lifted step by step when it is older', () => {
    expect(codec.decode({ type: 'Moved', v: 1, data: { far: 7 } }).data).toEqual({ far: 7, unit: 'km', by: null });
    expect(codec.decode({ type: 'Moved', v: 2, data: { far: 7, unit: 'mi' } }).data).toEqual({ far: 7, unit: 'mi', by: null });
    expect(codec.encode({ type: 'Moved', data: {} }).v).toBe(3);
  });

  it('is refused by name and position when it is newer or unknown', () => {
    expect(() => codec.decode({ type: 'Moved', v: 4, data: {}, position: 12 })).toThrow(new UnknownEvent('Moved version 4 at position 12 is not known to this build'));
    expect(() => eventCodec.decode({ type: 'GpuMelted', v: 1, data: {}, position: 3 })).toThrow('GpuMelted version 1 at position 3');
    expect(() => eventCodec.decode({ type: 'toString', v: 1, data: {} })).toThrow(UnknownEvent);
  });
});
