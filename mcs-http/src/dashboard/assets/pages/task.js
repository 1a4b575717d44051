// One task: where it stands, what it did, what it answers, and what can be done with it.
import { html, memo, useCallback, useEffect } from '../ui.js';
import { post, taskPath } from '../api.js';
import { duration, exact, exactCount, money } from '../format.js';
import { Status } from '../parts/badge.js';
import { toast } from '../parts/toast.js';
import { Copy } from '../parts/json.js';
import { Result, Text } from '../parts/content.js';
import { Failure } from '../parts/empty.js';
import { Actions } from './task/actions.js';
import { Agent, Files } from './task/agent.js';
import { Log } from './task/log.js';
import { Questions } from './task/question.js';
import { Standing } from './task/standing.js';
import { isFinished, useTask } from './task/state.js';
import { Timeline } from './task/timeline.js';

/** The page of one task. Another task is another page: nothing of the one before stays. */
export default function Task({ parameters: { id } }) {
  return html`<${One} key=${id} id=${id} />`;
}

const NO_TRACES = {};
const NO_REQUESTS = [];

function One({ id }) {
  const { task, result, events, streamed, problem, reload } = useTask(id);
  useEffect(() => {
    if (task) document.title = `${titleOf(task)} · MCS`;
  }, [task?.preview]);
  const answer = useCallback(
    async (key, response) => {
      try {
        await post(taskPath(id, 'respond'), { key, response });
        toast('Answered');
        await reload();
      } catch (error) {
        toast(error.message, { tone: 'bad' });
      }
    },
    [reload],
  );
  if (!task) {
    return problem ? html`<${Missing} problem=${problem} reload=${reload} />` : html`<p class="quiet" role="status">Loading…</p>`;
  }
  const traces = result?.result?.structured ?? task.error?.details ?? NO_TRACES;
  return html`<article class="task">
    ${problem && html`<p class="notice wait" role="status">What is shown could not be refreshed: ${problem.message}</p>`}
    <${Head} task=${task} />
    <${Actions} task=${task} worktree=${traces.worktree} changed=${reload} />
    <${Standing} task=${task} />
    <${Questions} requests=${task.input_requests ?? NO_REQUESTS} waits=${!isFinished(task)} answer=${answer} />
    <div class="columns">
      <div class="column wide">
        ${result?.result && html`<${Answer} result=${result.result} traces=${traces} prose=${task.kind !== 'command'} />`}
        <${Agent} events=${events} streamed=${streamed} />
        <${Log} id=${id} />
        <${Input} payload=${task.payload} />
      </div>
      <div class="column">
        <section class="card" aria-labelledby="timeline-title">
          <h2 id="timeline-title">Timeline</h2>
          <${Timeline} events=${events} finished=${task.finished_at} />
        </section>
        <${Spent} usage=${task.usage} />
        <${Facts} task=${task} />
      </div>
    </div>
  </article>`;
}

/** What a task is called: the beginning of its prompt, where its preview is that of JSON. */
function titleOf({ kind, preview, payload }) {
  const prompt = payload?.prompt;
  if (preview?.startsWith('{') && typeof prompt === 'string' && prompt.trim()) return prompt.trim().split('\n')[0].slice(0, 200);
  return preview || `A task of kind ${kind}`;
}

function Missing({ problem, reload }) {
  if (problem.status !== 404) return html`<h1 class="unseen">Task</h1><${Failure} error=${problem} onRetry=${reload} />`;
  return html`<section class="empty">
    <h1>There is no such task</h1>
    <p>${problem.message}</p>
    <p><a href="#/tasks">All tasks</a></p>
  </section>`;
}

const Head = memo(({ task }) => {
  return html`<header class="task-head">
    <p class="crumbs"><a href="#/tasks">Tasks</a> / <code>${task.id}</code> <${Copy} label="Copy id" text=${() => task.id} /></p>
    <h1>${titleOf(task)}</h1>
    <p class="traits">
      <${Status} status=${task.status} />
      <span class="tag">${task.kind}</span>
      <a class="tag" href=${`#/tasks?queue=${encodeURIComponent(task.queue)}`}>queue ${task.queue}</a>
      <span class="tag">priority ${task.priority}</span>
      ${(task.tags ?? []).map((tag) => html`<a key=${tag} class="tag" href=${`#/tasks?tag=${encodeURIComponent(tag)}`}>#${tag}</a>`)}
    </p>
  </header>`;
});

const Answer = memo(({ result, traces, prose }) => {
  return html`<section class="card" aria-labelledby="result-title">
    <h2 id="result-title">Result</h2>
    <${Result} result=${result} prose=${prose} />
    ${(traces.files_changed || traces.branch) && html`<${Files} changed=${traces.files_changed} branch=${traces.branch} worktree=${traces.worktree} />`}
  </section>`;
});

const Input = memo(({ payload = {} }) => {
  const { prompt, ...rest } = payload;
  const more = typeof prompt === 'string' && Object.keys(rest).length > 0;
  return html`<section class="card" aria-labelledby="input-title">
    <h2 id="input-title">Input</h2>
    ${typeof prompt === 'string' && html`<${Text} text=${prompt} title="Prompt" prose=${true} />`}
    ${(more || typeof prompt !== 'string') && html`<${Text} text=${JSON.stringify(more ? rest : payload, null, 2)} title=${more ? 'Other fields' : 'Payload'} />`}
  </section>`;
});

const Spent = memo(({ usage = {} }) => {
  if (!usage.cost_usd && !usage.input_tokens && !usage.output_tokens) return null;
  const tokens = (count) => exactCount(count ?? 0);
  return html`<section class="card" aria-labelledby="spent-title">
    <h2 id="spent-title">Cost</h2>
    <dl class="facts">
      <dt>Cost</dt><dd>${money(usage.cost_usd)}</dd>
      <dt>Tokens read</dt><dd>${tokens(usage.input_tokens)}${usage.cached_tokens ? ` (${tokens(usage.cached_tokens)} from a cache)` : ''}</dd>
      <dt>Tokens written</dt><dd>${tokens(usage.output_tokens)}</dd>
      <dt>Work</dt><dd>${duration(usage.duration_seconds ?? 0)}</dd>
    </dl>
  </section>`;
});

const Facts = memo(({ task }) => {
  const time = (value) => value && html`<time datetime=${value}>${exact(value)}</time>`;
  const link = (id) => id && html`<a href=${`#/tasks/${id}`}><code>${id}</code></a>`;
  const code = (value) => value && html`<code>${value}</code>`;
  const facts = [
    ['Created', time(task.created_at)],
    ['Started', time(task.started_at)],
    ['Finished', time(task.finished_at)],
    ['Deadline', time(task.deadline)],
    ['Timeout', task.timeout_seconds && duration(task.timeout_seconds)],
    ['Attempts', `${task.attempt} of ${task.max_attempts}${task.rescues ? `, ${task.rescues} rescued` : ''}`],
    ['Budget', task.budget_usd && money(task.budget_usd)],
    ['Dispatch', task.dispatch],
    ['Owner', task.owner],
    ['Provider', task.provider],
    ['Model', code(task.model)],
    ['Directory', code(task.work_directory)],
    ['Category', task.category],
    ['Unique key', code(task.unique_key)],
    ['Trace', code(task.traceparent)],
    ['Tries again', link(task.retry_of)],
    ['Part of', link(task.parent)],
  ];
  return html`<section class="card" aria-labelledby="facts-title">
    <h2 id="facts-title">About it</h2>
    <dl class="facts">${facts.filter(([, value]) => value).map(([name, value]) => html`<dt key=${name}>${name}</dt><dd>${value}</dd>`)}</dl>
    ${task.metadata && html`<${Text} title="Metadata" text=${JSON.stringify(task.metadata, null, 2)} />`}
  </section>`;
});
