import { get, post } from '../../api.js';
import { count, plural, titleOf } from '../../format.js';
import { now } from '../../now.js';
import { Ago } from '../../parts/clock.js';
import { Icon } from '../../parts/icon.js';
import { useLoaded } from '../../parts/loaded.js';
import { toast } from '../../parts/toast.js';
import { link, taskLink } from '../../route.js';
import { may } from '../../session.js';
import { html } from '../../ui.js';

const SHOWN = 3;
/** They come by the time of their creation, and one that failed today may be older than others. */
const LOOKED_AT = 50;
const DAY = 24 * 3_600_000;
const FIELDS = 'id,kind,queue,preview,error,finished_at,input_requests,created_at';

/** What needs somebody, with what is most urgent first. Where nothing does, it says so in one line. */
export function Attention({ statistics, queues = [], workers, onChange }) {
  const { statuses } = statistics;
  const questions = useTasks('INPUT_REQUIRED', statuses.INPUT_REQUIRED);
  const failures = lately(useTasks('FAILED', statuses.FAILED, LOOKED_AT));
  const paused = queues.filter((queue) => queue.paused);
  const ready = queues.reduce((sum, queue) => sum + queue.ready, 0);
  const alone = workers?.every((worker) => worker.alive === false) && ready > 0;

  const items = [
    alone && html`<${NoWorkers} key="workers" ready=${ready} />`,
    questions.length > 0 && html`<${Questions} key="questions" tasks=${questions} all=${statuses.INPUT_REQUIRED} />`,
    failures.length > 0 && html`<${Failures} key="failures" tasks=${failures} />`,
    ...paused.map((queue) => html`<${Paused} key=${`paused ${queue.name}`} queue=${queue} onChange=${onChange} />`),
  ].filter(Boolean);

  if (!items.length) {
    return html`<p class="all-well"><${Icon} name="check" />Nothing needs you.</p>`;
  }
  return html`<section class="attention" aria-label="Needs attention">${items}</section>`;
}

/** Those that ended in the last day, the last one first. */
const lately = (tasks) => tasks
  .map((task) => ({ task, at: new Date(task.finished_at).getTime() }))
  .filter(({ at }) => now() - at < DAY)
  .sort((one, other) => other.at - one.at)
  .slice(0, SHOWN)
  .map(({ task }) => task);

/** The newest tasks of a status, asked for only where there are any. */
function useTasks(status, number = 0, limit = SHOWN) {
  const load = async (signal) => {
    if (!number) return [];
    const query = { status, limit, fields: FIELDS };
    return (await get('api/v1/tasks', { query, signal })).tasks;
  };
  return useLoaded(load, [status, number > 0], { wants: () => number > 0, every: 5000 }).data ?? [];
}

function Item({ tone, icon, title, action, children }) {
  return html`<article class="attention-item ${tone}">
    <${Icon} name=${icon} />
    <div><h2>${title}</h2>${children}</div>
    <div class="attention-action">${action}</div>
  </article>`;
}

const Lines = ({ tasks, text }) => html`<ul>
  ${tasks.map((task) => html`<li key=${task.id}>
    <a href=${taskLink(task.id)}>${text(task)}</a> <span class="quiet">${task.queue}, <${Ago} time=${task.finished_at ?? task.created_at} /></span>
  </li>`)}
</ul>`;

function Questions({ tasks, all }) {
  const title = `${plural(all, 'task')} ${all === 1 ? 'waits' : 'wait'} for an answer`;
  const action = html`<a class="button small primary" href=${all === 1 ? taskLink(tasks[0].id) : link('tasks', { status: 'INPUT_REQUIRED' })}>Answer</a>`;
  return html`<${Item} tone="wait" icon="question" title=${title} action=${action}><${Lines} tasks=${tasks} text=${titleOf} /><//>`;
}

function Failures({ tasks }) {
  const action = html`<a class="button small" href=${link('tasks', { status: 'FAILED' })}>Look</a>`;
  const text = (task) => task.error?.message ?? titleOf(task);
  return html`<${Item} tone="bad" icon="cross" title="Failed in the last 24 hours" action=${action}>
    <${Lines} tasks=${tasks} text=${text} />
  <//>`;
}

function Paused({ queue, onChange }) {
  const resume = async () => {
    try {
      await post(`api/v1/queues/${encodeURIComponent(queue.name)}/resume`);
      toast(`Queue ${queue.name} goes on.`);
      onChange();
    } catch (error) {
      toast(error.message, { tone: 'bad' });
    }
  };
  const action = may('admin')
    ? html`<button class="button small" onClick=${resume}>Resume</button>`
    : html`<a class="button small" href=${link('queues')}>Look</a>`;
  const waiting = queue.ready ? `${plural(queue.ready, 'task')} ${queue.ready === 1 ? 'is' : 'are'} ready in it.` : 'No task is ready in it.';
  return html`<${Item} tone="idle" icon="pause" title="Queue ${queue.name} is paused" action=${action}><p class="quiet">${waiting}</p><//>`;
}

const NoWorkers = ({ ready }) => html`<${Item} tone="bad" icon="warning" title="No worker is alive"
  action=${html`<a class="button small" href=${link('workers')}>Look</a>`}>
  <p class="quiet">${count(ready)} ready ${ready === 1 ? 'task waits' : 'tasks wait'} until one starts, or a program of yours takes what is dispatched by hand.</p>
<//>`;
