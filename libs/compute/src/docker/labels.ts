/** By these an engine's containers and networks are known to be ours. */
export const labels = {
  install: 'kgpu.install',
  gpu: 'kgpu.gpu',
  user: 'kgpu.user',
  /** What the main process is: `init` (ours, or the image's bootstrap) or `image` (what the image starts by itself). */
  main: 'kgpu.main',
} as const;
