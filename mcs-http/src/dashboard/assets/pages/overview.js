import { get } from '../api.js';
import { Empty, Failure, Loading } from '../parts/empty.js';
import { curl } from '../parts/command.js';
import { useClock } from '../parts/clock.js';
import { useLoaded } from '../parts/loaded.js';
import { now } from '../now.js';
import { link } from '../route.js';
import { html, useState } from '../ui.js';
import { Attention } from './overview/attention.js';
import { History } from './overview/history.js';
import { LiveChart } from './overview/live-chart.js';
import { Numbers } from './overview/numbers.js';
import { QueueList, WorkerList } from './overview/lists.js';

/** Calm enough for a page that is looked at all day. */
const PACE = 2000;
/** How often figures are asked for that grow old by themselves. */
const OLD = 60_000;

/** How the service does, and what needs somebody. */
export default function Overview() {
  const [hours, setHours] = useState(24);
  const statistics = useLoaded(async (signal) => ({ ...(await get('api/v1/statistics', { query: { hours }, signal })), hours }), [hours],
    { every: PACE, refresh: OLD });
  const queues = useLoaded(async (signal) => (await get('api/v1/queues', { signal })).queues, [], { every: PACE, refresh: OLD });
  const workers = useLoaded(async (signal) => (await get('api/v1/workers', { signal })).workers, [], { every: 5 * PACE, refresh: 10_000 });
  // What is counted from now on backwards is counted anew.
  useClock(() => Math.floor(now() / OLD));

  if (!statistics.data) {
    return html`<${Head} />${statistics.error
      ? html`<${Failure} error=${statistics.error} onRetry=${statistics.reload} />`
      : html`<${Loading} lines="6" />`}`;
  }
  const { data } = statistics;
  return html`
    <${Head} />
    <div class="stack">
      ${data.total === 0 && html`<${Welcome} />`}
      <${Attention} statistics=${data} queues=${queues.data} workers=${workers.data} onChange=${queues.reload} />
      <${Numbers} statistics=${data} queues=${queues.data} />
      <${LiveChart} />
      <${History} history=${data.history} hours=${data.hours} chosen=${hours} onHours=${setHours} />
      <div class="pair">
        <${QueueList} queues=${queues.data} error=${queues.error} />
        <${WorkerList} workers=${workers.data} error=${workers.error} />
      </div>
    </div>`;
}

const Head = () => html`<header class="page-head">
  <h1>Overview</h1>
  <a class="button primary" href=${link('new')}>New task</a>
</header>`;

const HELLO = { kind: 'prompt', prompt: 'Say hello', provider: 'echo' };

const Welcome = () => html`<${Empty} title="No task has been created yet" command=${curl('api/v1/tasks', HELLO)}>
  Create one by the button above, by the MCP tools of your assistant, or from a shell. The provider
  ${' '}<code>echo</code> answers with the prompt itself and needs no key:
<//>`;
