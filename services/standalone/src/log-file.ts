import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';
import { Writable } from 'node:stream';

const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Where the log goes while people look at the terminal. A file for its owner only, written at once; when it has `maxBytes`,
 * it becomes `<path>.1` and a new one is begun, so that both together have a bound.
 */
export function openLogFile(path: string, maxBytes = MAX_BYTES): Writable {
  const open = () => openSync(path, 'a', 0o600);
  let file = open();
  let size = fstatSync(file).size;
  return new Writable({
    write(line: Buffer, _encoding, done) {
      if (size >= maxBytes) {
        closeSync(file);
        renameSync(path, `${path}.1`);
        file = open();
        size = 0;
      }
      size += writeSync(file, line);
      done();
    },
    destroy(error, done) {
      closeSync(file);
      done(error);
    },
  });
}
