import { get, patch, post } from '../api.js';
import { count } from '../format.js';
import { Tag } from '../parts/badge.js';
import { Ago } from '../parts/clock.js';
import { curl } from '../parts/command.js';
import { Empty, Failure, Loading } from '../parts/empty.js';
import { Icon } from '../parts/icon.js';
import { useLoaded } from '../parts/loaded.js';
import { Table } from '../parts/table.js';
import { toast } from '../parts/toast.js';
import { link } from '../route.js';
import { may } from '../session.js';
import { html, useMemo, useState } from '../ui.js';
import { Load } from './overview/lists.js';
import { Places } from './queues/places.js';

const path = (name) => `api/v1/queues/${encodeURIComponent(name)}`;

/** The queues: what waits in them, how much of each runs at a time, and whether any does. */
export default function Queues() {
  const { data, error, reload } = useLoaded(async (signal) => (await get('api/v1/queues', { signal })).queues, [], { every: 1000, refresh: 60_000 });
  const [editing, setEditing] = useState(null);
  const admin = may('admin');
  const columns = useMemo(() => columnsFor(admin, setEditing, async (queue) => {
    const verb = queue.paused ? 'resume' : 'pause';
    await told(post(`${path(queue.name)}/${verb}`), `Queue ${queue.name} ${queue.paused ? 'goes on' : 'is paused'}.`);
    reload();
  }), [admin, reload]);
  const edited = editing && data?.find(({ name }) => name === editing);
  const save = async (concurrency) => {
    await patch(path(editing), { concurrency });
    toast(concurrency === null ? `Queue ${editing} is run as configured.` : `Queue ${editing} runs ${count(concurrency)} at a time.`);
    setEditing(null);
    reload();
  };
  return html`
    <header class="page-head">
      <h1>Queues</h1>
      <p class="lead">Each runs as many tasks at a time as it has places. Pausing one lets its running tasks end and starts no more. Ready are
        also those that wait for a program of yours to take them, because their dispatch is manual.</p>
    </header>
    <div class="stack">
      ${!admin && data && html`<p class="note">To pause queues and change their places a token needs the scope <code>admin</code>.</p>`}
      <${Content} queues=${data} error=${error} reload=${reload} columns=${columns} />
    </div>
    ${edited && html`<${Places} queue=${edited} onSave=${save} onClose=${() => setEditing(null)} />`}`;
}

async function told(work, text) {
  try {
    await work;
    toast(text);
  } catch (error) {
    toast(error.message, { tone: 'bad' });
  }
}

function columnsFor(admin, edit, toggle) {
  return [
    {
      title: 'Queue',
      kind: 'main',
      cell: (queue) => html`<span class="queue-name"><a class="calm" href=${link('tasks', { queue: queue.name })}>${queue.name}</a>
        ${queue.paused && html`<${Tag} tone="wait" icon=${html`<${Icon} name="pause" size="12" />`}>Paused<//>`}</span>`,
    },
    { title: 'Running', cell: (queue) => html`<${Load} running=${queue.running} slots=${queue.slots} />` },
    { title: 'Ready', kind: 'number', cell: (queue) => count(queue.ready) },
    { title: 'Oldest ready', kind: 'number', cell: (queue) => html`<${Ago} time=${queue.oldest_ready} />` },
    { title: 'Kept', kind: 'number', cell: (queue) => count(Object.values(queue.statuses).reduce((sum, each) => sum + each, 0)) },
    {
      title: 'Change',
      kind: 'action',
      hideTitle: true,
      cell: (queue) => html`<span class="row-actions">
        <button class="button small" disabled=${!admin} onClick=${() => edit(queue.name)} aria-label="Places of ${queue.name}">Places</button>
        <button class="button small" disabled=${!admin} onClick=${() => toggle(queue)} aria-label="${queue.paused ? 'Resume' : 'Pause'} ${queue.name}">
          <${Icon} name=${queue.paused ? 'play' : 'pause'} size="14" />${queue.paused ? 'Resume' : 'Pause'}
        </button>
      </span>`,
    },
  ];
}

function Content({ queues, error, reload, columns }) {
  if (queues?.length) return html`<${Table} caption="Queues" columns=${columns} rows=${queues} rowKey=${(queue) => queue.name} />`;
  if (error) return html`<${Failure} error=${error} onRetry=${reload} />`;
  if (!queues) return html`<${Loading} />`;
  const example = { kind: 'prompt', prompt: 'Say hello', provider: 'echo', queue: 'greetings' };
  return html`<${Empty} title="There is no queue yet" command=${curl('api/v1/tasks', example)}>
    A queue is there as soon as a task names it:
  <//>`;
}
