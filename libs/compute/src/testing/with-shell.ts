import type { Compute } from '../compute.ts';

/** The same driver with another shell in the place of /bin/sh, as other images have. */
export function withShell(compute: Compute, shell: readonly string[]): Compute {
  return new Proxy(compute, {
    get(target, name) {
      if (name === 'exec') {
        return (gpuId: string, argv: readonly string[], ...rest: []) =>
          target.exec(gpuId, argv[0] === '/bin/sh' ? [...shell, ...argv.slice(1)] : argv, ...rest);
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
