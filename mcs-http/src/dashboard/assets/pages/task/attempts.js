// What the events of a task say of its attempts. No page in here, so that it can be read and tried alone.
import { timeOfDay } from '../../format.js';

const ENDS = {
  completed: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
  retrying: 'retrying',
  snoozed: 'snoozed',
  released: 'released',
  rescued: 'rescued',
};

const WORDS = {
  created: 'Created',
  ready: 'Ready to run',
  started: 'Started',
  input_required: 'Asked a question',
  input_received: 'Got an answer',
  retrying: 'Failed, and is tried again',
  snoozed: 'Put off',
  released: 'Handed back',
  rescued: 'Its worker died',
  cancel_requested: 'Cancel was asked for',
  completed: 'Completed',
  failed: 'Failed',
  cancelled: 'Cancelled',
};

/** The steps of a timeline, oldest first: `{key, at, event, attempt, words, more, since}` with `since` in milliseconds. */
export function steps(events) {
  const found = [];
  let before = null;
  for (const event of events) {
    const words = WORDS[event.event];
    if (!words) continue;
    const at = Date.parse(event.at);
    found.push({
      key: event.key,
      at,
      event: event.event,
      attempt: event.attempt,
      words: event.event === 'started' ? `Attempt ${event.attempt} started` : words,
      more: more(event),
      since: before === null ? null : at - before,
    });
    before = at;
  }
  return found;
}

function more({ event, detail }) {
  if (!detail) return null;
  if (event === 'retrying' || event === 'failed') {
    const error = detail.error;
    return error ? (error.message ?? String(error)) : null;
  }
  if (event === 'snoozed' || event === 'created') {
    return detail.run_at ? `until ${timeOfDay(detail.run_at)}` : null;
  }
  if (event === 'input_required') return questionOf(detail);
  return null;
}

function questionOf(detail) {
  const request = detail.request ?? detail;
  return request.message ?? request.question ?? detail.key ?? null;
}

/**
 * Stretches of time for the strip above the timeline: `{kind: "waiting" | "running" | "asking", from, to, attempt}`.
 * What has not ended ends at `now`.
 */
export function stretches(events, now) {
  const found = [];
  let open = null;
  const turn = (kind, at, attempt) => {
    if (open) found.push({ ...open, to: at });
    open = kind && { kind, from: at, attempt };
  };
  for (const { event, at: time, attempt } of events) {
    const at = Date.parse(time);
    if (event === 'started') turn('running', at, attempt);
    else if (event === 'input_required') turn('asking', at, attempt);
    else if (event === 'input_received' && open?.kind === 'asking') turn('running', at, attempt);
    else if (event === 'created') turn('waiting', at, 0);
    else if (['completed', 'failed', 'cancelled'].includes(event)) turn(null, at);
    else if (ENDS[event]) turn('waiting', at, attempt);
  }
  if (open) found.push({ ...open, to: Math.max(now, open.from) });
  return found;
}
