// Where a task stands in words, and what a reader can do about it.
import { html, memo } from '../../ui.js';
import { duration, money } from '../../format.js';
import { span, useNow } from './time.js';
import { statusWord } from '../../parts/badge.js';
import { JsonTree } from '../../parts/json.js';

const CLASSES = {
  transient: 'This may go away by itself: trying again may help.',
  rate_limited: 'The other side wants fewer calls: it goes on by itself later.',
  permanent: 'Trying again as it is will not help: change what the message names.',
  cancelled: 'Somebody ended it.',
  timeout: 'It ran out of time: give it a longer timeout, or less to do.',
  budget: 'It spent what it may spend: give it a larger budget.',
  lost: 'Its workers died under it too often: look at their logs and memory.',
};

const WAITS = {
  retry: 'Its last attempt failed. The next one starts',
  rate_limited: 'The other side asked for a pause. It goes on',
  snoozed: 'Its executor put it off. It goes on',
  scheduled: 'It is scheduled and starts',
};

/** A sentence or two on where `task` stands. */
export const Standing = memo(({ task }) => {
  const now = useNow(true);
  return html`<div class=${`standing ${task.status.toLowerCase()}`}>
    <p class="unseen" role="status">${statusWord(task.status)}, attempt ${task.attempt}</p>
    <p>${sentence(task, now)}</p>
    ${task.status === 'PROCESSING' && html`<${Bar} progress=${task.progress} />`}
    ${task.error && task.status !== 'COMPLETED' && html`<${Failure} error=${task.error} />`}
  </div>`;
});

function sentence(task, now) {
  const at = (time) => (time ? Date.parse(time) : null);
  switch (task.status) {
    case 'PENDING':
      return pending(task, at, now);
    case 'PROCESSING': {
      const since = span(now - (at(task.started_at) ?? now));
      const asked = task.cancel_requested_at ? ' Its worker was told to end it.' : '';
      return html`Attempt ${task.attempt} of ${task.max_attempts} has been running for ${since}${task.lease ? html` at <code>${task.lease.worker}</code>` : ''}.${asked}`;
    }
    case 'INPUT_REQUIRED':
      return 'It waits for an answer of yours, below. Its clock stands still meanwhile.';
    case 'COMPLETED':
      return html`Completed ${ago(at(task.finished_at), now)}, on attempt ${task.attempt}${used(task)}.`;
    case 'FAILED':
      return html`Failed ${ago(at(task.finished_at), now)}, after ${task.attempt} ${task.attempt === 1 ? 'attempt' : 'attempts'}${used(task)}.`;
    default:
      return html`Cancelled ${ago(at(task.finished_at), now)}${used(task)}.`;
  }
}

function pending(task, at, now) {
  const wait = (time) => (time && time > now ? `in ${span(time - now)}` : 'as soon as there is a free slot');
  if (task.wait_reason === 'dependencies') {
    return html`It waits for ${task.depends_on?.map((id) => html`<a href=${`#/tasks/${id}`}><code>${id.slice(-8)}</code></a> `) ?? 'other tasks'} to complete.`;
  }
  if (task.wait_reason) return `${WAITS[task.wait_reason] ?? 'It waits and starts'} ${wait(at(task.run_at))}.`;
  if (task.held_until && at(task.held_until) > now) {
    return `It is held back for ${span(at(task.held_until) - now)}: ${task.hold_reason ?? 'its provider asked for a pause'}.`;
  }
  if (task.dispatch === 'manual')
    return 'It waits for somebody to take it: execute it here, or let a worker take it with next.';
  return html`Ready. It starts as soon as its queue <a href="#/queues">${task.queue}</a> has a free slot.`;
}

const ago = (time, now) => (time ? `${span(Math.max(now - time, 0))} ago` : '');

function used({ usage }) {
  const parts = [];
  if (usage?.duration_seconds) parts.push(`${duration(usage.duration_seconds)} of work`);
  if (usage?.cost_usd) parts.push(money(usage.cost_usd));
  return parts.length ? `; ${parts.join(', ')}` : '';
}

function Bar({ progress }) {
  const percent = progress?.percent;
  return html`<div class="progress">
    <progress aria-label="Progress" ...${percent === undefined ? {} : { value: percent, max: 100 }}></progress>
    <span>${percent === undefined ? '' : `${Math.round(percent)} % `}${progress?.message ?? ''}</span>
  </div>`;
}

function Failure({ error }) {
  return html`<div class="failed-by">
    <p class="failure-message">${error.message}</p>
    <p class="quiet">${CLASSES[error.class] ?? error.class}</p>
    ${error.details && html`<details><summary>Details</summary><${JsonTree} value=${error.details} depth=${2} /></details>`}
  </div>`;
}
