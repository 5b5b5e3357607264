import type { LoggerService } from '@nestjs/common';
import type { Logger } from 'pino';

/** Nest's own lines: what goes wrong at the usual level, how it wires itself only when debugging. */
export function nestLog(log: Logger): LoggerService {
  return {
    log: (message: unknown) => log.debug(String(message)),
    debug: (message: unknown) => log.trace(String(message)),
    verbose: (message: unknown) => log.trace(String(message)),
    warn: (message: unknown) => log.warn(String(message)),
    error: (message: unknown, ...rest: unknown[]) => log.error({ rest: rest.map(String) }, String(message)),
    fatal: (message: unknown) => log.fatal(String(message)),
  };
}
