// What changes at the service, told to whoever shows it. One stream for the whole page, of summaries: the work of this page
// does not grow with the work of the service.
import { address, get } from './api.js';

/** Views are told at most so often. */
const PACE = 1000;
const FIRST_RETRY = 500;
const LAST_RETRY = 15_000;
/** A page that nobody looks at gives its connection back: a browser has only six for a host. */
const HIDDEN_GRACE = 10_000;

/** @typedef {{tasks: Set<string>|null, counts: Object<string, number>}} Change `tasks` is null where it may be any. */

let state = { phase: 'connecting', retryAt: 0 };
let source = null;
let retry = FIRST_RETRY;
let retryTimer = 0;
let hiddenTimer = 0;
let flushTimer = 0;
let lastFlush = 0;
let pending = null;
const changeListeners = new Set();
const stateListeners = new Set();
const summaryListeners = new Set();

/** Calls `listener` with a Change at most once a second. Returns how to stop that. */
export function onChange(listener) {
  changeListeners.add(listener);
  return () => changeListeners.delete(listener);
}

/** Calls `listener` with every summary as it came: `{since, until, counts, tasks, more}`. */
export function onSummary(listener) {
  summaryListeners.add(listener);
  return () => summaryListeners.delete(listener);
}

/** Calls `listener` with `{phase: 'connecting'|'live'|'gone', retryAt}`. */
export function onState(listener) {
  stateListeners.add(listener);
  return () => stateListeners.delete(listener);
}

export const liveState = () => state;

/** Begins to listen, and goes on for as long as the page is there. */
export function startLive() {
  document.addEventListener('visibilitychange', () => {
    clearTimeout(hiddenTimer);
    if (document.hidden) {
      hiddenTimer = setTimeout(rest, HIDDEN_GRACE);
    } else if (!source) {
      reconnect();
    }
  });
  addEventListener('online', reconnect);
  // A page that is left may be kept for the way back, and its stream with it, which takes one of the six connections.
  addEventListener('pagehide', close);
  addEventListener('pageshow', (event) => event.persisted && reconnect());
  connect();
}

/** Tries at once, however long the next attempt is away. */
export function reconnect() {
  retry = FIRST_RETRY;
  connect();
}

/** Ends the stream, as where nobody is logged in. `reconnect` begins it again. */
export function rest() {
  close();
  setState({ phase: 'connecting', retryAt: 0 });
}

function close() {
  clearTimeout(retryTimer);
  source?.close();
  source = null;
}

function connect() {
  close();
  const stream = new EventSource(address('api/v1/events', { summary: true }));
  source = stream;
  stream.addEventListener('open', () => {
    retry = FIRST_RETRY;
    setState({ phase: 'live', retryAt: 0 });
    // What happened while nobody listened is not told.
    changed(null, {});
  });
  stream.addEventListener('summary', (event) => summarized(JSON.parse(event.data)));
  stream.addEventListener('gap', () => changed(null, {}));
  stream.addEventListener('dropped', () => lost(stream));
  stream.addEventListener('error', () => lost(stream));
}

/** An EventSource does not say why it failed, so a plain request finds out: whoever listens for 401 is told by it. */
async function lost(stream) {
  if (stream !== source) return;
  close();
  const wait = retry * (0.75 + Math.random() / 2);
  retry = Math.min(retry * 2, LAST_RETRY);
  retryTimer = setTimeout(connect, wait);
  try {
    await get('api/v1/session');
    setState({ phase: 'connecting', retryAt: 0 });
  } catch (problem) {
    if (problem.status === 401) rest();
    else if (problem.isAway || problem.status >= 500) setState({ phase: 'gone', retryAt: Date.now() + wait });
  }
}

function summarized(summary) {
  summaryListeners.forEach((listener) => listener(summary));
  changed(summary.more ? null : summary.tasks, summary.counts);
}

/** Collects until the next time that views are told. The first change after a quiet time is told at once. */
function changed(tasks, counts) {
  pending ??= { tasks: new Set(), counts: {} };
  if (tasks === null) {
    pending.tasks = null;
  } else {
    tasks.forEach((id) => pending.tasks?.add(id));
  }
  for (const [kind, number] of Object.entries(counts)) {
    pending.counts[kind] = (pending.counts[kind] ?? 0) + number;
  }
  if (!flushTimer) flushTimer = setTimeout(flush, Math.max(0, lastFlush + PACE - Date.now()));
}

function flush() {
  flushTimer = 0;
  lastFlush = Date.now();
  const change = pending;
  pending = null;
  changeListeners.forEach((listener) => listener(change));
}

function setState(next) {
  state = next;
  stateListeners.forEach((listener) => listener(state));
}
