import { Problem } from '@kgpu/contracts';
import { Catch, type ArgumentsHost, type RpcExceptionFilter } from '@nestjs/common';
import type { Logger } from 'pino';
import { throwError, type Observable } from 'rxjs';
import type { Envelope } from './answers.ts';

/** Lets problems through to the caller; anything else is a defect: logged with its cause, told without its details. */
@Catch()
export class BusProblemFilter implements RpcExceptionFilter {
  constructor(private readonly log: Logger) {}

  catch(error: unknown, host: ArgumentsHost): Observable<never> {
    if (error instanceof Problem) return throwError(() => error);
    const requestId = host.switchToRpc().getData<Envelope>().meta.request_id;
    this.log.error({ err: error, request_id: requestId }, 'a message met a defect');
    return throwError(() => new Problem('internal_error', undefined, { request_id: requestId }, { cause: error }));
  }
}
