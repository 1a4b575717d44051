import { get } from '../../api.js';
import { count } from '../../format.js';
import { STATUSES, statusWord } from '../../parts/badge.js';
import { Icon } from '../../parts/icon.js';
import { useLoaded } from '../../parts/loaded.js';
import { currentRoute, go, link } from '../../route.js';
import { html, useEffect, useRef, useState } from '../../ui.js';

const NAMES = ['status', 'kind', 'queue', 'tag', 'text'];
const PAUSE = 250;

/** What is asked for, as it stands in the address: a filtered list can be kept as a bookmark. */
export const filtersOf = (query) => Object.fromEntries(NAMES.map((name) => [name, query.get(name) ?? '']));

export const isFiltered = (filters) => NAMES.some((name) => filters[name]);

/** Whether a task has a text in what is shown of it, or in its id. */
export function matches(task, text) {
  const wanted = text.toLowerCase();
  const shown = [task.id, task.preview, task.error?.message, ...(task.tags ?? [])];
  return shown.some((each) => each?.toLowerCase().includes(wanted));
}

export function Filters({ filters }) {
  const { data } = useLoaded((signal) => get('api/v1/statistics', { query: { hours: 1 }, signal }), [], { every: 3000 });
  // Beside what is asked for by then, since a text comes a moment after it was typed.
  const set = (name, value, replace) => go(link('tasks', { ...filtersOf(currentRoute().query), [name]: value }), { replace });
  // The counts are of all tasks, so that beside another filter they would say something else.
  const counts = NAMES.slice(1).some((name) => filters[name]) ? undefined : data?.statuses;
  return html`<div class="task-filters">
    <nav class="chips" aria-label="Status">
      <${Chip} filters=${filters} status="" word="All" />
      ${STATUSES.map((status) => html`<${Chip} key=${status} filters=${filters} status=${status} word=${statusWord(status)}
        number=${counts && (counts[status] ?? 0)} />`)}
    </nav>
    <div class="filter-fields">
      <${Text} name="text" value=${filters.text} label="Filter this page by text or id" placeholder="Text or id" icon onText=${set} />
      <${Choice} name="kind" value=${filters.kind} all="All kinds" names=${data?.kinds} onChoice=${set} />
      <${Choice} name="queue" value=${filters.queue} all="All queues" names=${data?.queues} onChoice=${set} />
      <${Text} name="tag" value=${filters.tag} label="Tag" placeholder="Tag" onText=${set} />
      ${isFiltered(filters) && html`<a class="button plain small" href="#/tasks">Clear</a>`}
    </div>
  </div>`;
}

function Chip({ filters, status, word, number }) {
  const current = filters.status === status;
  return html`<a class="chip" aria-current=${current ? 'true' : null} href=${link('tasks', { ...filters, status })}>
    ${word}${number !== undefined && html` <small>${count(number)}</small>`}
  </a>`;
}

function Choice({ name, value, all, names = {}, onChoice }) {
  const known = new Set([...Object.keys(names), value].filter(Boolean));
  return html`<select aria-label=${all} value=${value} onChange=${(event) => onChoice(name, event.target.value)}>
    <option value="">${all}</option>
    ${[...known].sort().map((each) => html`<option key=${each} value=${each}>${each}</option>`)}
  </select>`;
}

/** A field that filters when the typing pauses. */
function Text({ name, value, label, placeholder, icon, onText }) {
  const [typed, setTyped] = useState(value);
  const field = useRef();
  useEffect(() => {
    // The address is followed, but not while somebody types here.
    if (document.activeElement !== field.current) setTyped(value);
  }, [value]);
  useEffect(() => {
    if (typed === value) return undefined;
    const timer = setTimeout(() => onText(name, typed.trim(), true), PAUSE);
    return () => clearTimeout(timer);
  }, [typed]);
  return html`<label class="text-filter ${icon ? 'with-icon' : ''}">
    <span class="unseen">${label}</span>
    ${icon && html`<${Icon} name="search" size="16" />`}
    <input ref=${field} class="input" type="search" data-filter=${name} placeholder=${placeholder} value=${typed}
      autocomplete="off" spellcheck="false" onInput=${(event) => setTyped(event.target.value)} />
  </label>`;
}
