import { Injectable } from '@nestjs/common';
import { Problem, type Route } from '@kgpu/contracts';
import { hasBody, type Clock } from '@kgpu/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { checkAccess } from '../identity/access.ts';
import { tokenIn, type Authenticator } from '../identity/authenticate.ts';
import { nameOf, type Caller } from '../identity/caller.ts';
import { newCommand, type Command } from '../requests/command.ts';
import type { Once } from '../requests/once.ts';
import type { Given } from './given.ts';
import { invalidRequest, parseInput, type RawInput } from './parse-input.ts';
import type { RateLimit } from './rate-limit.ts';
import { Result } from './result.ts';

type Handle = (given: Given) => Promise<unknown>;

/** What every request passes, in this order: who is it, not too often, allowed at all, valid, done once, sent. */
@Injectable()
export class Door {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly limit: RateLimit,
    private readonly once: Once,
    private readonly clock: Clock,
  ) {}

  async serve(route: Route, request: FastifyRequest, reply: FastifyReply, handle: Handle): Promise<void> {
    const result = await this.answer(route, request, reply, handle, request);
    void reply.code(result.status).headers(result.headers).send(result.body);
  }

  /** All but the last of it. `raw`: what of the request is checked against the contract. */
  async answer(route: Route, request: FastifyRequest, reply: FastifyReply, handle: Handle, raw: RawInput): Promise<Result> {
    const caller = this.#admit(route, request, reply);
    const input = parseInput(route, raw);
    const usualStatus = 201 in route.replies ? 201 : 200;
    const act = async (command: Command): Promise<Result> => {
      const answer = await handle({ ...input, caller, command, requestId: request.id, headers: request.headers });
      return answer instanceof Result ? answer : new Result(answer, usualStatus);
    };
    // Nobody can tell whether a stream is the same again.
    const isStream = route.takesBytes === true && hasBody(request.raw);
    const key = route.idempotent && !isStream ? idempotencyKey(request) : null;
    return key === null ? act(newCommand(this.clock.now())) : this.once.do(keyed(route, key, caller, input), act);
  }

  #admit(route: Route, request: FastifyRequest, reply: FastifyReply): Caller {
    // What needs no token is cheap, and probes must not fail because somebody else behind the same address asks a lot.
    if (route.auth === 'none') return { kind: 'nobody' };
    const caller = this.#recognise(route, request, reply);
    checkAccess(route, caller);
    return caller;
  }

  #recognise({ weight = 1 }: Route, request: FastifyRequest, reply: FastifyReply): Caller {
    let caller: Caller = { kind: 'nobody' };
    try {
      caller = this.authenticator.callerOf(tokenIn(request.headers.authorization));
    } finally {
      // A wrong token counts for the address, so that nobody can guess at will.
      this.#count(caller, weight, request, reply);
    }
    return caller;
  }

  #count(caller: Caller, weight: number, request: FastifyRequest, reply: FastifyReply): void {
    // What is cheap for callers who are known is as dear as anything for those who guess.
    const admission = caller.kind === 'nobody' ? this.limit.take(`address-${request.ip}`, performance.now()) : this.limit.take(nameOf(caller), performance.now(), weight);
    reply.headers(this.limit.headers(admission));
    if (!admission.admitted) throw new Problem('rate_limited', undefined, { retry_after_seconds: admission.seconds });
  }
}

function idempotencyKey({ headers }: FastifyRequest): string | null {
  const key = headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key === 'string' && /^[\x20-\x7e]{1,128}$/.test(key)) return key;
  throw invalidRequest([{ pointer: '/headers/idempotency-key', message: 'must be 1 to 128 printable ASCII characters' }]);
}

function keyed(route: Route, key: string, caller: Caller, input: unknown) {
  return {
    key, input,
    caller: caller.kind === 'rental' ? caller.gpuId : nameOf(caller),
    userId: caller.kind === 'user' || caller.kind === 'rental' ? caller.person.user_id : 0,
    route: `${route.method} ${route.path}`,
  };
}
