// What changes at the service, told to whoever shows it. One stream for the whole page, of summaries: the work of this page
// does not grow with the work of the service.
import { address, wouldStream } from './api.js';
import { whileVisible } from './visible.js';

/** Views are told at most so often. */
const PACE = 1000;
const FIRST_RETRY = 500;
const LAST_RETRY = 15_000;

/** @typedef {{tasks: Set<string>|null, counts: Object<string, number>}} Change `tasks` is null where it may be any. */

let state = { phase: 'connecting', retryAt: 0 };
let source = null;
/** Whether the stream is open: an answer to an older question says nothing of it. */
let isOpen = false;
/** Whether nobody is logged in, so that there is nothing to listen to. */
let resting = false;
let seen = false;
let retry = FIRST_RETRY;
let retryTimer = 0;
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

/** Calls `listener` with `{phase: 'connecting'|'live'|'gone'|'refused', retryAt, reason}`. */
export function onState(listener) {
  stateListeners.add(listener);
  return () => stateListeners.delete(listener);
}

export const liveState = () => state;

/** Begins to listen, and goes on for as long as the page is there. */
export function startLive() {
  addEventListener('online', reconnect);
  whileVisible(
    () => {
      seen = true;
      reconnect();
    },
    () => {
      seen = false;
      close();
      setState({ phase: 'connecting', retryAt: 0 });
    },
  );
}

/** Tries at once, however long the next attempt is away. */
export function reconnect() {
  retry = FIRST_RETRY;
  resting = false;
  connect();
}

/** Ends the stream, as where nobody is logged in. */
export function rest() {
  resting = true;
  close();
  setState({ phase: 'connecting', retryAt: 0 });
}

/** Begins again what `rest` ended, once somebody is logged in. */
export function resume() {
  if (resting) reconnect();
}

function close() {
  clearTimeout(retryTimer);
  source?.close();
  source = null;
  isOpen = false;
}

const stream = () => address('api/v1/events', { summary: true });

function connect() {
  close();
  if (!seen) return;
  const opened = new EventSource(stream());
  source = opened;
  opened.addEventListener('open', () => {
    retry = FIRST_RETRY;
    isOpen = true;
    setState({ phase: 'live', retryAt: 0 });
    // What happened while nobody listened is not told.
    changed(null, {});
  });
  opened.addEventListener('summary', (event) => summarized(JSON.parse(event.data)));
  opened.addEventListener('gap', () => changed(null, {}));
  opened.addEventListener('dropped', () => lost(opened));
  opened.addEventListener('error', () => lost(opened));
}

/** An EventSource does not say why it failed, so a plain request finds out: whoever listens for 401 is told by it. */
async function lost(ended) {
  if (ended !== source) return;
  close();
  const wait = retry * (0.75 + Math.random() / 2);
  retry = Math.min(retry * 2, LAST_RETRY);
  retryTimer = setTimeout(connect, wait);
  if (state.phase === 'live') setState({ phase: 'connecting', retryAt: 0 });
  const next = await wouldStream(stream()).then(
    () => ({ phase: 'connecting', retryAt: 0 }),
    (problem) => told(problem, Date.now() + wait),
  );
  // Meanwhile it may be open again, or not wanted any more.
  if (isOpen || resting || !seen) return;
  setState(next);
  if (next.phase === 'refused') {
    close();
    retryTimer = setTimeout(connect, next.retryAt - Date.now());
  }
}

/** What a failure means. What is refused is asked for again after a while, since rights and limits change. */
function told(problem, retryAt) {
  if (problem.isAway || problem.status >= 500) return { phase: 'gone', retryAt };
  if (problem.status === 401) return { phase: 'connecting', retryAt: 0 };
  const wait = Math.max((problem.retryAfter ?? 0) * 1000, LAST_RETRY);
  return { phase: 'refused', retryAt: Date.now() + wait, reason: problem.message };
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
