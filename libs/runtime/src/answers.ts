import { Problem, type FieldError, type Message, type MessageMeta } from '@kgpu/contracts';
import { MessagePattern } from '@nestjs/microservices';
import type { z } from 'zod';

/** What travels on the bus for one message. */
export interface Envelope {
  request: unknown;
  meta: MessageMeta;
}

type Controller<M extends Message> = (request: M['request']['_output'], meta: MessageMeta) => Promise<unknown>;

/**
 * Makes a controller's method answer a message: `(request, meta) => Promise<reply>`. The request is parsed by the message's
 * schema first; one that does not fit is `invalid_request` and never reaches the method.
 */
export function Answers<M extends Message>(message: M) {
  return (target: object, key: string | symbol, descriptor: TypedPropertyDescriptor<Controller<M>>): void => {
    const answer = descriptor.value!;
    const parsing = async function (this: unknown, envelope: Envelope): Promise<unknown> {
      const parsed = message.request.safeParse(envelope.request);
      if (!parsed.success) throw new Problem('invalid_request', undefined, { errors: parsed.error.issues.map(fieldError) });
      return answer.call(this, parsed.data as M['request']['_output'], envelope.meta);
    };
    descriptor.value = parsing as unknown as Controller<M>;
    MessagePattern(message.subject)(target, key, descriptor);
  };
}

function fieldError(issue: z.core.$ZodIssue): FieldError {
  return { pointer: issue.path.map((part) => `/${String(part)}`).join(''), message: issue.message };
}
