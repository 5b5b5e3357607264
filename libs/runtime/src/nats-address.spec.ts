import { describe, expect, it } from '@jest/globals';
import { natsAddress, withoutCredentials } from './nats-address.ts';

describe('the address of a NATS server', () => {
  it('carries user and password, or a token', () => {
    expect(natsAddress('nats://ann:a%40b:c@bus:4222')).toEqual({ servers: ['nats://bus:4222'], user: 'ann', pass: 'a@b:c' });
    expect(natsAddress('tls://s3cret@bus')).toEqual({ servers: ['tls://bus'], token: 's3cret' });
    expect(natsAddress('nats://ann:100%@bus')).toMatchObject({ user: 'ann', pass: '100%' });
  });

  it('may have none, and may name several servers', () => {
    expect(natsAddress('nats://127.0.0.1:4222')).toEqual({ servers: ['nats://127.0.0.1:4222'] });
    expect(natsAddress('nats://a:4222, nats://b:4222')).toEqual({ servers: ['nats://a:4222', 'nats://b:4222'] });
    expect(natsAddress('nats://u:p@a,nats://u:p@b')).toEqual({ servers: ['nats://a', 'nats://b'], user: 'u', pass: 'p' });
  });

  it('is shown to people without its credentials', () => {
    expect(withoutCredentials('nats://u:p@a:4222,t@b')).toBe('nats://…@a:4222,…@b');
  });
});
