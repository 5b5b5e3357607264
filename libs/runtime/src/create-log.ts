import { pino, type Logger } from 'pino';
import { traceFields } from './trace.ts';

const SECRET_FIELDS = ['authorization', 'cookie', 'token', 'secret', 'password', 'headers.authorization', 'headers.cookie'];
const secrets = /kgpu_[0-9a-f]{8,}|(X-Amz-[A-Za-z-]+|sig|signature)=[^&\s"]+/gi;

/** JSON lines on standard error (standard output belongs to people). Tokens and signed queries never get through. */
export function createLog(level: string, destination: NodeJS.WritableStream = process.stderr): Logger {
  return pino(
    {
      level,
      base: { pid: process.pid },
      mixin: () => traceFields(),
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: SECRET_FIELDS.flatMap((path) => [path, `*.${path}`]), censor: '…' },
    },
    { write: (line: string) => destination.write(withoutSecrets(line)) },
  );
}

/** Blanks what looks like a token or a signature, wherever it stands. */
export function withoutSecrets(text: string): string {
  return text.replace(secrets, (_match, name: string | undefined) => (name === undefined ? 'kgpu_…' : `${name}=…`));
}
