export { start, type RunningRental } from './start.ts';
