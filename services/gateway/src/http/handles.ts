import { Inject, Req, RequestMapping, RequestMethod, Res } from '@nestjs/common';
import type { Route } from '@kgpu/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Door } from './door.ts';
import type { Given, ReplyBody } from './given.ts';
import type { Result } from './result.ts';

type Handler<R extends Route> = (given: Given<R>) => Promise<ReplyBody<R> | Result>;

const handled = new WeakMap<object, Route>();

/** The route that a controller's method handles. */
export function routeOf(method: object): Route | undefined {
  return handled.get(method);
}

/** Binds a controller's method to a route of the contract: path, method and status, who may call, and what input is valid. */
export function Handles<R extends Route>(route: R) {
  return <H extends Handler<R>>(controller: object, name: string, descriptor: TypedPropertyDescriptor<H>): void => {
    const handle = descriptor.value!;
    const serve = function (this: { door: Door }, request: FastifyRequest, reply: FastifyReply) {
      return this.door.serve(route, request, reply, (given) => handle.call(this, given));
    };
    handled.set(serve, route);
    (descriptor as TypedPropertyDescriptor<unknown>).value = serve;
    Inject(Door)(controller, 'door');
    Req()(controller, name, 0);
    Res()(controller, name, 1);
    RequestMapping({ path: nestPath(route.path), method: RequestMethod[route.method] })(controller, name, descriptor as TypedPropertyDescriptor<unknown>);
  };
}

/** `/v1/gpus/{gpu_id}` → `/v1/gpus/:gpu_id` */
function nestPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}
