import { Problem, type Asked, type FieldError, type Message, type MessageMeta, type ReplyOf } from '@kgpu/contracts';
import { MessagePattern } from '@nestjs/microservices';
import type { z } from 'zod';

/** What travels on the bus for one message. */
export interface Envelope {
  request: unknown;
  meta: MessageMeta;
}

type Answer<M extends Message> = (request: Asked<M>, meta: MessageMeta) => Promise<ReplyOf<M>>;

/**
 * Makes a controller's method answer a message: `(request, meta) => Promise<reply>`. The request is parsed by the message's
 * schema first; one that does not fit is `invalid_request` and never reaches the method.
 */
export function Answers<M extends Message>(message: M) {
  return <A extends Answer<M>>(target: object, key: string | symbol, descriptor: TypedPropertyDescriptor<A>): void => {
    const answer = descriptor.value!;
    const parsing = async function (this: unknown, envelope: Envelope): Promise<unknown> {
      const parsed = message.request.safeParse(envelope.request);
      if (!parsed.success) throw new Problem('invalid_request', undefined, { errors: parsed.error.issues.map(fieldError) });
      return answer.call(this, parsed.data as Asked<M>, envelope.meta);
    };
    descriptor.value = parsing as unknown as A;
    MessagePattern(message.subject)(target, key, descriptor);
  };
}

function fieldError(issue: z.core.$ZodIssue): FieldError {
  return { pointer: issue.path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''), message: issue.message };
}
