import { get } from '../api.js';
import { Ago } from '../parts/clock.js';
import { Command, curl } from '../parts/command.js';
import { Empty, Failure, Loading } from '../parts/empty.js';
import { useLoaded } from '../parts/loaded.js';
import { Table } from '../parts/table.js';
import { html } from '../ui.js';
import { Alive } from './overview/lists.js';

const COLUMNS = [
  { title: 'Worker', kind: 'main', cell: (worker) => html`<span class="mono">${worker.id}</span>` },
  { title: 'State', cell: (worker) => html`<${Alive} worker=${worker} />` },
  { title: 'Process', kind: 'number', cell: (worker) => worker.pid },
  { title: 'Last heard of', kind: 'number', cell: (worker) => html`<${Ago} time=${worker.heartbeat_at} />` },
];

/** Who takes tasks. */
export default function Workers() {
  const { data, error, reload } = useLoaded(async (signal) => (await get('api/v1/workers', { signal })).workers, [], { every: 3000, refresh: 10_000 });
  return html`
    <header class="page-head">
      <h1>Workers</h1>
      <p class="lead">Processes that take tasks and hold them by leases. The tasks of one that is gone are taken over by the others.</p>
    </header>
    <div class="stack">
      <${Content} workers=${data} error=${error} reload=${reload} />
      <section class="card">
        <h2>Your own worker</h2>
        <p class="quiet">Any program can be one: it takes the next task whose dispatch is manual, and then tells of its progress and its end. Where
          there is none, the answer is 204.</p>
        <${Command} text=${curl('api/v1/tasks/next?worker_id=me', undefined, 'GET')} />
      </section>
    </div>`;
}

function Content({ workers, error, reload }) {
  if (workers?.length) return html`<${Table} caption="Workers" columns=${COLUMNS} rows=${workers} rowKey=${(worker) => worker.id} />`;
  if (error) return html`<${Failure} error=${error} onRetry=${reload} />`;
  if (!workers) return html`<${Loading} />`;
  return html`<${Empty} title="No worker has reported yet">The service itself is one as soon as it has taken a task.<//>`;
}
