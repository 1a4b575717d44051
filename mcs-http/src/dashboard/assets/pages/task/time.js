// Times of a task are compared in milliseconds, and written as the rest of the page writes them.
import { duration } from '../../format.js';
import { useEffect, useState } from '../../ui.js';

export { exact, timeOfDay } from '../../format.js';

/** A distance in milliseconds. */
export const span = (ms) => duration(ms / 1000);

/** The time, each second while something goes on. It is asked for where it is shown, so that nothing else is drawn anew. */
export function useNow(moving) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    setNow(Date.now());
    if (!moving) return undefined;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [moving]);
  return now;
}
