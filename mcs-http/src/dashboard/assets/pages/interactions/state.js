// Where an interaction stands.
import { html } from '../../ui.js';
import { Tag } from '../../parts/badge.js';

const WORDS = {
  STARTED: ['started', 'busy'],
  IN_PROGRESS: ['in progress', 'busy'],
  COMPLETED: ['completed', 'good'],
  FAILED: ['failed', 'bad'],
};

export const STATUSES = Object.keys(WORDS);

/** A status of an interaction in words. */
export function State({ status }) {
  const [word, tone] = WORDS[status] ?? [status, 'idle'];
  return html`<${Tag} tone=${tone}>${word}<//>`;
}
