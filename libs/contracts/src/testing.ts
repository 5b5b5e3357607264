export * from './testing/newer-rclone.ts';
export * from './testing/wheel-binary.ts';
