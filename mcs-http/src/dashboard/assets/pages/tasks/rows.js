import { duration, money, shortId, titleOf } from '../../format.js';
import { now } from '../../now.js';
import { Status } from '../../parts/badge.js';
import { Ago } from '../../parts/clock.js';
import { taskLink } from '../../route.js';
import { html, memo } from '../../ui.js';
import { useSlots } from './slots.js';

/** The rows of tasks. Only those that changed are rendered again. */
export function Rows({ rows, selected, selection, held }) {
  const slots = useSlots(rows);
  const every = rows.every((task) => selected.has(task.id));
  return html`<div class="table-frame" ...${held.listeners}>
    <table class="tasks" role="table">
      <caption class="unseen">Tasks, newest first</caption>
      <thead role="rowgroup"><tr role="row">
        <th scope="col" role="columnheader" class="pick"><input type="checkbox" aria-label="Select all on this page" checked=${every}
          onChange=${() => (every ? selection.clear() : selection.all(rows))} /></th>
        <th scope="col" role="columnheader">Status</th>
        <th scope="col" role="columnheader">Task</th>
        <th scope="col" role="columnheader">Queue</th>
        <th scope="col" role="columnheader" class="number">Took</th>
        <th scope="col" role="columnheader" class="number">Cost</th>
        <th scope="col" role="columnheader" class="number">Created</th>
      </tr></thead>
      <tbody role="rowgroup">
        ${rows.map((task) => html`<${Row} key=${slots.get(task.id)} task=${task} picked=${selected.has(task.id)} gone=${held.gone.has(task.id)}
          toggle=${selection.toggle} />`)}
      </tbody>
    </table>
  </div>`;
}

const Row = memo(({ task, picked, gone, toggle }) => {
  const title = titleOf(task);
  return html`<tr role="row" data-task=${task.id} class=${`${picked ? 'picked' : ''} ${gone ? 'gone' : ''}`}>
    <td role="cell" class="pick"><input type="checkbox" checked=${picked} aria-label="Select ${title}" onChange=${() => toggle(task)} /></td>
    <td role="cell" class="state"><${Status} status=${task.status} wait=${task.wait_reason} /></td>
    <td role="cell" class="what">
      <a data-row href=${taskLink(task.id)}>${title}</a>
      <div class="under"><${Under} task=${task} /></div>
    </td>
    <td role="cell" class="queue">${task.queue}</td>
    <td role="cell" class="took number quiet">${duration(took(task))}</td>
    <td role="cell" class="cost number">${task.usage?.cost_usd ? money(task.usage.cost_usd) : html`<span class="quiet">–</span>`}</td>
    <td role="cell" class="when number"><${Ago} time=${task.created_at} /></td>
  </tr>`;
});

/** Below the title is what matters most of the task as it stands. */
function Under({ task }) {
  const { error, progress, status } = task;
  const waitsUntil = status === 'PENDING' && new Date(task.run_at) > now();
  return html`
    <span class="mono" title=${task.id}>${shortId(task.id)}</span>
    <span>${task.kind}</span>
    ${task.attempt > 1 && html`<span>attempt ${task.attempt}</span>`}
    ${waitsUntil && html`<span><${Ago} time=${task.run_at} /></span>`}
    ${status === 'PROCESSING' && progress && html`<span class="busy">${progressText(progress)}</span>`}
    ${error && status !== 'COMPLETED' && html`<span class=${status === 'FAILED' ? 'bad' : 'wait'} title=${error.message}>${error.message}</span>`}
    ${task.tags?.map((tag) => html`<span class="hash" key=${tag}>#${tag}</span>`)}`;
}

function progressText({ percent, message }) {
  return [percent !== undefined && `${Math.round(percent)} %`, message].filter(Boolean).join(' ');
}

/** Seconds from the start of its last attempt to its end. */
function took({ started_at: started, finished_at: finished }) {
  return started && finished ? (new Date(finished) - new Date(started)) / 1000 : undefined;
}
