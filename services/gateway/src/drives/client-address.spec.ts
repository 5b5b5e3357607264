import { describe, expect, it } from '@jest/globals';
import { ClientAddress } from './client-address.ts';

const ours = new ClientAddress(() => 'https://gpu.lab.org/kgpu', () => 'http://127.0.0.1:8080', true);

describe('the address that a client came by', () => {
  it.each([
    ['gpu.lab.org', 'https://gpu.lab.org/kgpu'], [undefined, 'https://gpu.lab.org/kgpu'],
    ['localhost:8080', 'http://localhost:8080'], ['127.0.0.1:8080', 'http://127.0.0.1:8080'], ['host.docker.internal:8080', 'http://host.docker.internal:8080'],
    ['evil.org', 'https://gpu.lab.org/kgpu'], ['localhost:9', 'https://gpu.lab.org/kgpu'], ['xhost.docker.internal:8080', 'https://gpu.lab.org/kgpu'], ['localhost:8080@evil.org', 'https://gpu.lab.org/kgpu'],
  ])('%s is %s', (host, base) => {
    expect(ours.of({ host })).toBe(base);
  });

  it('is where the signed URLs of our own store lead, however they were made', () => {
    const signed = 'http://127.0.0.1:0/objects/users/1/a%20b?expires=1&signature=ab';
    expect(ours.urlFor(signed, { host: 'host.docker.internal:8080' })).toBe('http://host.docker.internal:8080/objects/users/1/a%20b?expires=1&signature=ab');
    expect(new ClientAddress(() => 'http://x', () => 'http://x:1', false).urlFor('http://s3/bucket/objects/a', { host: 'localhost:1' })).toBe('http://s3/bucket/objects/a');
  });
});
