// The time at the service, as far as it is known: a reader's clock may be wrong by minutes, and everything that is shown was
// written by the clock of the service.

/** Differences below this one are the way of the message, not of the clocks. */
const NOISE = 400;

let ahead = 0;

/** How many milliseconds the clock of the service is ahead of the one here. */
export const clockAhead = () => ahead;

/** Milliseconds since 1970, by the clock of the service. */
export const now = () => Date.now() + ahead;

/** Takes note of what time the service says that it is. */
export function heard(time) {
  const measured = new Date(time).getTime() - Date.now();
  if (Math.abs(measured - ahead) > NOISE) ahead = measured;
}
