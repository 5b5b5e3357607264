import { describe, expect, it } from '@jest/globals';
import { engineAddress } from './engine-http.ts';

describe('the address of an engine', () => {
  it('is a socket or a host, as DOCKER_HOST says it', () => {
    expect(engineAddress('unix:///run/user/1000/docker.sock', {})).toEqual({ socketPath: '/run/user/1000/docker.sock' });
    expect(engineAddress('tcp://10.0.0.5:2375', {})).toEqual({ protocol: 'http', host: '10.0.0.5', port: 2375 });
    expect(engineAddress('tcp://[::1]', { DOCKER_TLS_VERIFY: '1' })).toEqual({ protocol: 'https', host: '::1', port: 2376 });
  });

  it('is refused when it is of another kind', () => {
    expect(() => engineAddress('ssh://me@there', {})).toThrow('DOCKER_HOST must be');
  });
});
