import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { createServer } from 'node:net';
import { Controller, Get } from '@nestjs/common';
import { createLog } from './create-log.ts';
import { startHttp, type HttpServer } from './start-http.ts';

@Controller()
class SpecController {
  @Get('v1/gpus')
  gpus() {
    return {};
  }

  @Get('login')
  login() {
    return {};
  }
}

/** The loopback network of Linux has sixteen million addresses: as many machines. */
const network = { address: '127.0.0.2', subnet: '127.0.1.0/24' };
const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('the side door of a server that listens on loopback (needs the whole loopback network, as Linux has it)', () => {
  let http: HttpServer;
  let port: number;
  beforeEach(async () => {
    const module = { module: SpecController, controllers: [SpecController] };
    http = await startHttp({ module, host: '127.0.0.1', port: 0, log: createLog('silent'), sideDoorRoutes: (pattern) => pattern.startsWith('/v1/') });
    port = Number(new URL(http.url).port);
  });
  afterEach(() => http.close());

  const get = async (path: string, { to = network.address, from = '127.0.1.7' } = {}) => {
    const outgoing = request({ host: to, port, path, localAddress: from, agent: false }).end();
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    response.resume();
    return response.statusCode;
  };

  it('answers to those of its network, on the routes that are meant for them, and on no other', async () => {
    expect(await http.openSideDoor(network)).toBe(true);
    expect([await get('/v1/gpus'), await get('/login'), await get('/nothing')]).toEqual([200, 404, 404]);
    expect(await get('/login', { to: '127.0.0.1', from: '127.0.0.1' })).toBe(200);
  });

  it('lets no stranger in', async () => {
    await http.openSideDoor(network);
    await expect(get('/v1/gpus', { from: '127.0.2.7' })).rejects.toMatchObject({ code: expect.stringMatching(/ECONNRESET|EPIPE/) });
  });

  it('moves when the network has another address', async () => {
    await http.openSideDoor(network);
    expect(await http.openSideDoor({ ...network, address: '127.0.0.3' })).toBe(true);
    expect(await get('/v1/gpus', { to: '127.0.0.3' })).toBe(200);
    await expect(get('/v1/gpus')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('stays shut where the machine has no such address, or another program listens', async () => {
    expect(await http.openSideDoor({ ...network, address: '192.0.2.77' })).toBe(false);
    const other = createServer().listen(port, network.address);
    await once(other, 'listening');
    expect(await http.openSideDoor(network)).toBe(false);
    other.close();
  });

  it('closes with the server, and idle clients hold it no longer', async () => {
    await http.openSideDoor(network);
    const agent = new Agent({ keepAlive: true });
    const outgoing = request({ host: network.address, port, path: '/v1/gpus', localAddress: '127.0.1.7', agent }).end();
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    await once(response.resume(), 'end');
    await http.close();
    await expect(get('/v1/gpus')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    agent.destroy();
  });
});
