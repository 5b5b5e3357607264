import { describe, expect, it } from '@jest/globals';
import { deletesAfterFailure, followsGet, followsPut } from './clients.ts';

describe('what clients can do', () => {
  it.each([
    ['curl/7.88.1', true, true], ['Wget/1.21.3', true, true], ['python-requests/2.34.2', true, true], [undefined, true, true],
    ['rclone/v1.60.1-DEV', false, true], ['node', false, true], ['undici', false, true], ['python-httpx/0.27.0', false, true], ['Go-http-client/1.1', false, true], ['gvfs/1.50.3', false, true],
    ['litmus/0.13 neon/0.31.2', false, false], ['cadaver/0.24 neon/0.32.4', false, false], ['davfs2/1.6.1 neon/0.32.4', false, false],
    ['WebDAVFS/3.0.0 (03008000) Darwin/21.6.0', false, false], ['Microsoft-WebDAV-MiniRedir/10.0.19045', false, false],
    ['nodejs-is-not-node', true, true], ['my-neon-light', true, true],
  ])('%s follows a redirected PUT: %s, a redirected GET: %s', (agent, put, get) => {
    expect([followsPut(agent), followsGet(agent)]).toEqual([put, get]);
  });

  it('only rclone deletes after an upload that failed', () => {
    expect([deletesAfterFailure('rclone/v1.75.2'), deletesAfterFailure('curl/8.0'), deletesAfterFailure(undefined)]).toEqual([true, false, false]);
  });
});
