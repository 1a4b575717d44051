import { count } from '../../format.js';
import { Tag } from '../../parts/badge.js';
import { Ago } from '../../parts/clock.js';
import { Icon } from '../../parts/icon.js';
import { link } from '../../route.js';
import { html } from '../../ui.js';

const SHOWN = 8;

/** The queues with most to do. */
export function QueueList({ queues, error }) {
  const busiest = queues && [...queues].sort((a, b) => b.ready + b.running - (a.ready + a.running)).slice(0, SHOWN);
  return html`<${List} title="Queues" href=${link('queues')} items=${busiest} error=${error} empty="A queue appears with its first task."
    row=${(queue) => html`<li key=${queue.name}>
      <a class="name" href=${link('tasks', { queue: queue.name })}>${queue.name}</a>
      ${queue.paused && html`<${Tag} tone="wait" icon=${html`<${Icon} name="pause" size="12" />`}>Paused<//>`}
      <${Load} running=${queue.running} slots=${queue.slots} />
      <span class="figure">${count(queue.ready)} ready</span>
    </li>`} />`;
}

/** How much of a queue's places is taken, in words and as a bar. */
export function Load({ running, slots }) {
  const share = slots ? Math.min(1, running / slots) : 0;
  return html`<span class="load">
    <svg width="64" height="6" viewBox="0 0 64 6" aria-hidden="true"><rect width="64" height="6" rx="3" /><rect class="taken" width=${64 * share} height="6" rx="3" /></svg>
    <span>${count(running)} of ${count(slots)}</span>
  </span>`;
}

export function WorkerList({ workers, error }) {
  return html`<${List} title="Workers" href=${link('workers')} items=${workers?.slice(0, SHOWN)} error=${error} empty="No worker has reported yet."
    row=${(worker) => html`<li key=${worker.id}>
      <span class="name mono" title=${worker.id}>${worker.id}</span>
      <${Alive} worker=${worker} />
      <span class="figure quiet"><${Ago} time=${worker.heartbeat_at} /></span>
    </li>`} />`;
}

/** Whether a worker lives, as far as one can know: of one on another machine only its heartbeat is known. */
export function Alive({ worker }) {
  if (worker.here) return html`<${Tag} tone="good" icon=${html`<${Icon} name="check" size="12" />`}>This process<//>`;
  if (worker.alive === true) return html`<${Tag} tone="good" icon=${html`<${Icon} name="check" size="12" />`}>Alive<//>`;
  if (worker.alive === false) return html`<${Tag} tone="bad" icon=${html`<${Icon} name="cross" size="12" />`}>Gone<//>`;
  return html`<${Tag} icon=${html`<${Icon} name="question" size="12" />`}>Elsewhere<//>`;
}

function List({ title, href, items, error, empty, row }) {
  const content = () => {
    if (items?.length) return html`<ul class="rows">${items.map(row)}</ul>`;
    if (error) return html`<p class="quiet">${error.message}</p>`;
    return html`<p class="quiet">${items ? empty : 'Loading…'}</p>`;
  };
  return html`<section class="card">
    <div class="card-head"><h2>${title}</h2><a href=${href}>All</a></div>
    ${content()}
  </section>`;
}
