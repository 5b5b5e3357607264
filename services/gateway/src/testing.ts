/** What specs start: a gateway with a bus and a data folder of its own, without the other parts unless a spec adds them. */
import { testContext, type TestContext, type TestContextOptions } from '@kgpu/runtime/testing';
import { start } from './start.ts';

export { RawHttp, type RawReply } from './testing/raw-http.ts';
export { walkHostile, type Walk } from './testing/walk-hostile.ts';

export interface Call {
  /** Default: the admin's; null sends none. */
  token?: string | null;
  body?: unknown;
  headers?: Record<string, string>;
}

export interface Called {
  status: number;
  headers: Headers;
  /** Parsed where it is JSON, else text. */
  body: any;
}

export interface TestGateway {
  context: TestContext;
  url: string;
  adminToken: string;
  /** `call('POST /v1/gpus', { body })` */
  call(request: string, call?: Call): Promise<Called>;
  /** Ends the gateway and starts another one on the same data. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function testGateway(options: TestContextOptions = {}): Promise<TestGateway> {
  const context = await testContext(options);
  let running = await start(context);
  const gateway: TestGateway = {
    context, url: running.url, adminToken: running.adminToken,
    call: (request, given) => callHttp(running.url, request, { token: running.adminToken, ...given }),
    async restart() {
      await running.close();
      running = await start(context);
      Object.assign(gateway, { url: running.url, adminToken: running.adminToken });
    },
    async close() {
      await running.close();
      await context.close();
    },
  };
  return gateway;
}

/** One request, `METHOD /path`; a body is sent as JSON. */
export async function callHttp(url: string, request: string, { token = null, body, headers = {} }: Call = {}): Promise<Called> {
  const [method, path] = request.split(' ') as [string, string];
  const response = await fetch(`${url}${path}`, {
    method, redirect: 'manual',
    headers: { ...(token !== null && { authorization: `Bearer ${token}` }), ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '') && text !== '';
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}
