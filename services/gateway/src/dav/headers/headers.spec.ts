import { describe, expect, it } from '@jest/globals';
import { codeOf } from '../../testing/code-of.ts';
import { depthIn, overwriteIn } from './depth.ts';
import { destinationIn, externalPrefix } from './destination.ts';
import { lockTokenIn, timeoutSecondsIn } from './timeout.ts';

describe('a Destination', () => {
  const reached = { host: '127.0.0.1:8080', apiBase: 'https://lab.example/kgpu' };
  const path = (destination: string) => destinationIn({ destination }, reached);

  it('is a URL of the host that the client names, or a path; nothing in it is decoded', () => {
    expect(path('http://127.0.0.1:8080/v1/files/a+b%20c?x#y')).toBe('/v1/files/a+b%20c');
    expect(path('http://someone:secret@127.0.0.1:8080/v1/files/a')).toBe('/v1/files/a');
    expect(path('/v1/files/../x')).toBe('/v1/files/../x');
  });

  it('is a URL of the public address, without the path that the proxy adds', () => {
    expect(path('https://lab.example:443/kgpu/v1/files/a')).toBe('/v1/files/a');
    expect(path('https://LAB.example/kgpu/v1/files/a')).toBe('/v1/files/a');
  });

  it.each(['http://other/v1/files/a', 'http://127.0.0.1:8081/v1/files/a', 'http://127.0.0.1:8080.other/v1/files/a', 'ftp://127.0.0.1:8080/v1/files/a', 'a/b', 'http:///v1/files/a'])(
    'elsewhere is refused: %s', (destination) => {
      expect(codeOf(() => path(destination))).toBe('bad_destination');
    });

  it('is needed', () => {
    expect(codeOf(() => destinationIn({}, reached))).toBe('invalid_header');
  });

  it('tells what stands before our paths for those who come through the public address only', () => {
    expect(externalPrefix({ host: 'lab.example', apiBase: 'https://lab.example/kgpu/' })).toBe('/kgpu');
    expect(externalPrefix({ host: '127.0.0.1:8080', apiBase: 'https://lab.example/kgpu/' })).toBe('');
    expect(externalPrefix({ host: 'lab.example', apiBase: 'https://lab.example' })).toBe('');
  });
});

describe('the small headers', () => {
  it('have the defaults of the RFC', () => {
    expect([depthIn({}, ['0', 'infinity']), overwriteIn({}), timeoutSecondsIn({})]).toEqual(['infinity', true, 3_600]);
  });

  it('are read whatever their case', () => {
    expect([depthIn({ depth: 'Infinity' }, ['infinity']), overwriteIn({ overwrite: 'f' })]).toEqual(['infinity', false]);
  });

  it('are refused when they say nothing that is meant', () => {
    for (const act of [() => depthIn({ depth: '2' }, ['0', '1', 'infinity']), () => overwriteIn({ overwrite: 'maybe' }), () => lockTokenIn({ 'lock-token': 'urn:a' })]) {
      expect(codeOf(act)).toBe('invalid_header');
    }
  });

  it('ask for a time that is at most a day', () => {
    const seconds = (timeout: string) => timeoutSecondsIn({ timeout });
    expect([seconds('Second-60'), seconds('Infinite, Second-5'), seconds('Second-4100000000'), seconds('Extend, Second-7'), seconds('Second-0'), seconds('x')]).toEqual([60, 86_400, 86_400, 7, 1, 3_600]);
  });
});
