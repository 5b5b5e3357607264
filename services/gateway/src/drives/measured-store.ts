/** The object store, with every call of the gateway's measured: what operators look at when files are slow. */
import { Problem } from '@kgpu/contracts';
import type { ObjectStore } from '@kgpu/object-store';
import { Histogram, type Registry } from 'prom-client';

const STORE_SECONDS = 'kgpu_gateway_store_seconds';

export function measuredStore(store: ObjectStore, metrics: Registry): ObjectStore {
  // A gateway that is started again in one process measures anew.
  metrics.removeSingleMetric(STORE_SECONDS);
  const seconds = new Histogram({
    name: STORE_SECONDS, help: "The gateway's calls of the object store: until its answer, or the end of an upload", labelNames: ['operation', 'outcome'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60], registers: [metrics],
  });
  const measured = <A extends unknown[], T>(operation: string, call: (...args: A) => Promise<T>) => async (...args: A): Promise<T> => {
    const began = performance.now();
    let outcome = 'ok';
    try {
      return await call(...args);
    } catch (error) {
      outcome = error instanceof Problem ? error.code : 'failed';
      throw error;
    } finally {
      seconds.observe({ operation, outcome }, (performance.now() - began) / 1_000);
    }
  };
  const { uploads } = store;
  return {
    put: measured('put', (...args) => store.put(...args)),
    get: measured('get', (...args) => store.get(...args)),
    head: measured('head', (...args) => store.head(...args)),
    list: measured('list', (...args) => store.list(...args)),
    copy: measured('copy', (...args) => store.copy(...args)),
    deleteMany: measured('delete', (...args) => store.deleteMany(...args)),
    check: measured('check', (...args) => store.check(...args)),
    presignGet: (...args) => store.presignGet(...args),
    presignPut: (...args) => store.presignPut(...args),
    close: () => store.close(),
    uploads: {
      begin: measured('begin', (...args) => uploads.begin(...args)),
      putPart: measured('put_part', (...args) => uploads.putPart(...args)),
      listParts: measured('list_parts', (...args) => uploads.listParts(...args)),
      complete: measured('complete', (...args) => uploads.complete(...args)),
      abort: measured('abort', (...args) => uploads.abort(...args)),
      list: measured('list_uploads', (...args) => uploads.list(...args)),
      presignPart: (...args) => uploads.presignPart(...args),
    },
  };
}
