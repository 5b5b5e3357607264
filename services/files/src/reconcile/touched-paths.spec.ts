import { describe, expect, it } from '@jest/globals';
import type { DriveEvent } from '@kgpu/contracts';
import * as fc from 'fast-check';
import { driveDecider, type DriveCommand, type DriveState } from '../drive/drive.ts';
import { TouchedPaths } from './touched-paths.ts';

const drive = 'user-7';
const now = new Date('2026-05-17T12:00:00Z');
const names = ['a', 'a-b', 'a/b', 'a/b/c', 'b', 'b/a', 'b0', 'c/d/e', 'c-', 'ü', '😀'];

type Action =
  | { do: 'reserve'; path: string; size: number }
  | { do: 'land' | 'confirm' | 'release'; upload: number }
  | { do: 'delete'; path: string }
  | { do: 'list' };

const path = fc.constantFrom(...names);
const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ do: fc.constant('reserve' as const), path, size: fc.integer({ min: 0, max: 50 }) }),
  fc.record({ do: fc.constantFrom('land' as const, 'confirm' as const, 'release' as const), upload: fc.nat(5) }),
  fc.record({ do: fc.constant('delete' as const), path }),
  fc.record({ do: fc.constant('list' as const) }),
);

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
const byFolder = (a: string, b: string) => byBytes(a.replaceAll('/', '\0'), b.replaceAll('/', '\0'));

/** A bucket, the facts about it, and a listing of it that goes on page by page while both change. */
class Simulation {
  readonly bucket: Map<string, number>;
  state: DriveState;
  touched: TouchedPaths | null = null;
  #cursor: string | null = null;
  #ended = false;
  #ids = 0;
  readonly #landed = new Set<string>();

  constructor(files: [string, number][], wrongBy: number, private readonly order: (a: string, b: string) => number, private readonly pageSize: number) {
    this.bucket = new Map(files);
    this.state = { ...driveDecider.initial, usedBytes: this.bytes + wrongBy };
  }

  get bytes(): number {
    return [...this.bucket.values()].reduce((sum, size) => sum + size, 0);
  }

  begin(): void {
    this.touched = new TouchedPaths(this.state);
  }

  do(step: Action): void {
    switch (step.do) {
      case 'reserve':
        return this.#reserve(step.path, step.size);
      case 'delete':
        return this.#delete(step.path);
      case 'list':
        return this.list();
      default: {
        const id = [...this.state.uploads.keys()][step.upload];
        if (id !== undefined) this.#change(id, step.do);
      }
    }
  }

  list(): void {
    if (this.#ended) return;
    const keys = [...this.bucket.keys()].sort(this.order).filter((key) => this.#cursor === null || this.order(key, this.#cursor) > 0);
    const page = keys.slice(0, this.pageSize);
    this.touched!.page(page.map((key) => ({ path: key, size: this.bucket.get(key)!, etag: '', modified_at: '' })));
    this.#cursor = page.at(-1) ?? this.#cursor;
    this.#ended = keys.length <= this.pageSize;
  }

  /** The difference that the listing finds; null when it can't tell. */
  end(): number | null {
    while (!this.#ended) this.list();
    const used = this.touched!.usedBytes(this.state);
    return used === null ? null : used - this.state.usedBytes;
  }

  /** Everything that is under way ends. */
  settle(): void {
    for (const id of this.state.uploads.keys()) this.#change(id, this.#landed.has(id) ? 'confirm' : 'release');
  }

  record(command: DriveCommand): void {
    for (const event of driveDecider.decide(command, this.state, now)) this.#apply(event);
  }

  #apply(event: DriveEvent): void {
    this.state = driveDecider.evolve(this.state, event);
    this.touched?.apply(event);
  }

  #reserve(target: string, size: number): void {
    const there = this.bucket.get(target);
    const was = there === undefined ? null : { size: there, etag: '', modified_at: '' };
    const upload = { uploadId: `u${this.#ids++}`, path: target, way: 'streamed' as const, size, contentType: null, was, by: 7, guardsDelete: false, partBytes: null, expiresAt: now };
    this.record({ type: 'Reserve', drive, upload, quotaBytes: 1e9 });
  }

  #change(id: string, what: 'land' | 'confirm' | 'release'): void {
    const upload = this.state.uploads.get(id)!;
    const hasLanded = this.#landed.has(id);
    if (what === 'land') {
      this.#landed.add(id);
      this.bucket.set(upload.path, upload.size!);
    } else if (what === 'confirm' && hasLanded) {
      this.record({ type: 'Confirm', drive, uploadId: id, size: upload.size!, etag: '', foundBytes: upload.contended ? (this.bucket.get(upload.path) ?? 0) : null });
    } else if (what === 'release' && !hasLanded) {
      this.record({ type: 'Release', drive, uploadId: id, reason: '' });
    }
  }

  #delete(target: string): void {
    const bytes = this.bucket.get(target);
    if (bytes === undefined) return;
    const operationId = `o${this.#ids++}`;
    this.record({ type: 'Delete', drive, operationId, path: target, scope: 'file', by: 7 });
    this.bucket.delete(target);
    this.record({ type: 'CountDeleted', drive, operationId, files: [{ path: target, bytes }], completes: 'exact' });
  }
}

describe('a listing of a drive that changes meanwhile', () => {
  it.each([['by bytes', byBytes], ['folder by folder', byFolder]] as const)('gives the exact figure, or says that it can not (%s)', (_, order) => {
    let told = 0;
    fc.assert(fc.property(
      fc.uniqueArray(fc.tuple(path, fc.integer({ min: 0, max: 50 })), { selector: ([key]) => key }), fc.integer({ min: 0, max: 1_000 }), fc.integer({ min: 1, max: 3 }),
      fc.array(action, { maxLength: 8 }), fc.array(action, { maxLength: 40 }),
      (files, wrongBy, pageSize, before, during) => {
        const simulation = new Simulation(files, wrongBy, order, pageSize);
        before.filter((step) => step.do !== 'list').forEach((step) => simulation.do(step));
        simulation.begin();
        during.forEach((step) => simulation.do(step));
        const difference = simulation.end();
        if (difference === null) return;
        told++;
        simulation.record({ type: 'Reconcile', drive, objects: 0, differenceBytes: difference });
        simulation.settle();
        expect(simulation.state.usedBytes).toBe(simulation.bytes);
      },
    ), { numRuns: 1_500 });
    expect(told).toBeGreaterThan(1_200);
  });

  it('is made again when folders were deleted, copied or moved', () => {
    const touched = new TouchedPaths(driveDecider.initial);
    touched.apply({ type: 'DeletionRequested', data: { drive, operation_id: 'o', path: 'd', scope: 'folder', by: 7, at: now.toISOString() } });
    expect([touched.disturbed, touched.usedBytes(driveDecider.initial)]).toEqual([true, null]);
  });
});
