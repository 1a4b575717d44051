// Times of a task are compared in milliseconds, and written as the rest of the page writes them.
import { duration } from '../../format.js';

export { exact, timeOfDay } from '../../format.js';

/** A distance in milliseconds. */
export const span = (ms) => duration(ms / 1000);
