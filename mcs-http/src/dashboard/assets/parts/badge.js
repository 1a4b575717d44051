import { html } from '../ui.js';

// Each status differs by its sign and its word, not by its colour alone.
const SIGNS = {
  PENDING: { word: 'Pending', tone: 'idle', path: 'M8 3a5 5 0 100 10A5 5 0 008 3z' },
  PROCESSING: { word: 'Running', tone: 'busy', path: 'M8 2.5A5.5 5.5 0 112.5 8' },
  INPUT_REQUIRED: { word: 'Needs answer', tone: 'wait', path: 'M6 6.2a2 2 0 112.8 1.9c-.5.2-.8.6-.8 1.3M8 12h.01' },
  COMPLETED: { word: 'Completed', tone: 'good', path: 'M3.5 8.5l3 3 6-7' },
  FAILED: { word: 'Failed', tone: 'bad', path: 'M4.5 4.5l7 7M11.5 4.5l-7 7' },
  CANCELLED: { word: 'Cancelled', tone: 'idle', path: 'M3.5 8h9' },
};

const WAITS = {
  scheduled: 'Scheduled',
  retry: 'Retrying',
  rate_limited: 'Rate limited',
  snoozed: 'Snoozed',
  dependencies: 'Waits for others',
};

export const STATUSES = Object.keys(SIGNS);
export const statusWord = (status) => SIGNS[status]?.word ?? status;

/** The status of a task, and why it waits where it does. */
export function Status({ status, wait }) {
  const sign = SIGNS[status] ?? SIGNS.PENDING;
  const reason = status === 'PENDING' && wait ? WAITS[wait.toLowerCase()] ?? wait : null;
  return html`<span class="status ${sign.tone}">
    <svg class="sign" width="14" height="14" viewBox="0 0 16 16" aria-hidden="true" focusable="false"><path d=${sign.path} /></svg>
    ${reason ?? statusWord(status)}
  </span>`;
}

/** A word about something: `tone` is one of good, bad, wait, busy and idle. */
export function Tag({ tone = 'idle', icon, children }) {
  return html`<span class="tag ${tone}">${icon}${children}</span>`;
}
