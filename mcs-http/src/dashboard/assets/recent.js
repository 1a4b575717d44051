// What happened in the last minutes, in one slot a second: as much memory and drawing at five tasks a second as at
// fifteen thousand events.
import { onState, onSummary } from './live.js';
import { clockAhead, heard, now as serviceNow } from './now.js';

export const SECONDS = 300;
const KINDS = ['created', 'started', 'completed', 'failed', 'retrying'];

/** Ring of slots by second of the clock. @type {Map<number, Object<string, number>>} */
const slots = new Map();

// These are by the clock here, since the one of the service is not known before its first word.
/** Since when it is counted. Before, nothing is known, which is something else than 0. */
let began = 0;
/** Times without a connection, of which nothing is known either. The last one may still go on. */
let gaps = [];

/** Begins to count. It goes on while other pages are shown. */
export function startRecent() {
  began = Math.floor(Date.now() / 1000);
  onState(({ phase }) => {
    const now = Math.floor(Date.now() / 1000);
    gaps = gaps.filter((gap) => gap.to > now - SECONDS);
    if (gaps.at(-1)?.to === Infinity) gaps.at(-1).to = now;
    if (phase !== 'live') gaps.push({ from: now, to: Infinity });
  });
  onSummary(({ until, counts }) => {
    heard(until);
    const second = Math.floor(new Date(until).getTime() / 1000);
    const slot = slots.get(second) ?? {};
    for (const kind of KINDS) slot[kind] = (slot[kind] ?? 0) + (counts[kind] ?? 0);
    slots.set(second, slot);
    for (const old of slots.keys()) {
      if (old >= second - SECONDS) break;
      slots.delete(old);
    }
  });
}

/**
 * The last minutes as columns for a chart: times in seconds, then the number of events a second of each kind asked for,
 * smoothed over `width` seconds. The second that is still going on is left out.
 * @param {string[]} kinds
 */
export function recentColumns(kinds, { now = serviceNow(), seconds = known(now), width = 2 } = {}) {
  const last = Math.floor(now / 1000) - 1;
  const times = Array.from({ length: seconds }, (_, index) => last - seconds + 1 + index);
  const ahead = Math.round(clockAhead() / 1000);
  const columns = kinds.map((kind) => times.map((time) => {
    const here = time - ahead;
    if (here < began || gaps.some(({ from, to }) => from <= here && here < to)) return null;
    let sum = 0;
    for (let back = 0; back < width; back += 1) sum += slots.get(time - back)?.[kind] ?? 0;
    return sum / width;
  }));
  return [times, ...columns];
}

/** How many seconds are worth showing: what is known, between one minute and all that is kept. */
const known = (now) => Math.min(SECONDS, Math.max(60, Math.floor((now - clockAhead()) / 1000) - began));

/** Events a second over those of the last seconds that are known, and null where the last one is not. */
export function recentRate(kind, { now = serviceNow(), seconds = 10 } = {}) {
  const [, column] = recentColumns([kind], { now, seconds, width: 1 });
  if (column.at(-1) === null) return null;
  const counted = column.filter((value) => value !== null);
  return counted.reduce((sum, value) => sum + value, 0) / counted.length;
}
