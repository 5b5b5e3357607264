import { describe, expect, it } from '@jest/globals';
import { banner, farewell } from './banner.ts';

const started = {
  url: 'http://127.0.0.1:8080',
  adminToken: 'kgpu_0123',
  parts: [{ name: 'bus', choice: 'nats-server' }, { name: 'compute', choice: 'process', notices: ['no security boundary'] }],
};

describe('the banner', () => {
  it('gives the lines that a shell needs, each on a line of its own', () => {
    expect(banner(started).split('\n')).toEqual(expect.arrayContaining([
      '  export KGPU_API_BASE=http://127.0.0.1:8080', '  export KGPU_API_TOKEN=kgpu_0123',
    ]));
  });

  it('says what was chosen for each part, and what must be known about it', () => {
    expect(banner(started)).toContain('  bus      nats-server\n  compute  process\n           no security boundary\n');
  });
});

describe('the farewell', () => {
  it('names every rental that stays', () => {
    expect(farewell([{ gpu_id: 'gpu-1', name: 'train' }, { gpu_id: 'gpu-2', name: 'gpu-2' }])).toBe(
      'Stopped. 2 rentals go on and will be charged; start again to return them:\n  gpu-1  train\n  gpu-2');
  });

  it('says so when nothing stays', () => {
    expect(farewell([])).toBe('Stopped. No rental is left running.');
  });

  it('does not hide that a returned one is not gone', () => {
    expect(farewell([], 1)).toBe('Stopped. No rental is left running.\nOne returned rental is not cleared away yet: the next start does that.');
  });
});
