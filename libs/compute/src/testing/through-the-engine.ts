import type { Compute } from '../compute.ts';

/** The same driver where its containers' files can't be read from here, as with an engine on another machine. */
export function throughTheEngine(compute: Compute): Compute {
  return new Proxy(compute, {
    has: (target, name) => name !== 'openRoot' && Reflect.has(target, name),
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
