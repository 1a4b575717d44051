import { get } from '../api.js';
import { plural } from '../format.js';
import { curl } from '../parts/command.js';
import { Empty, Failure, Loading } from '../parts/empty.js';
import { useLoaded } from '../parts/loaded.js';
import { link } from '../route.js';
import { shareByKey } from '../share.js';
import { focusContent } from '../moves.js';
import { html, useEffect, useMemo, useState } from '../ui.js';
import { Bulk } from './tasks/bulk.js';
import { Filters, filtersOf, isFiltered, matches } from './tasks/filters.js';
import { useHeld } from './tasks/held.js';
import { useRowKeys } from './tasks/keys.js';
import { Rows } from './tasks/rows.js';

const LIMIT = 50;
const FIELDS = [
  'id', 'status', 'wait_reason', 'kind', 'queue', 'tags', 'preview', 'attempt', 'progress', 'error', 'created_at', 'run_at',
  'started_at', 'finished_at', 'usage',
].join();

/** Every task, newest first, as it goes on. */
export default function Tasks({ query }) {
  const filters = filtersOf(query);
  const after = query.get('after');
  // The text is looked for here; everything else is asked of the service, and makes another list.
  const where = JSON.stringify([{ ...filters, text: '' }, after]);
  return html`
    <header class="page-head">
      <h1>Tasks</h1>
      <a class="button primary" href=${link('new')}>New task</a>
    </header>
    <${Filters} filters=${filters} />
    <${List} key=${where} filters=${filters} after=${after} />`;
}

function List({ filters, after }) {
  const [selected, setSelected] = useState(new Map());
  const { text, ...asked } = filters;
  const { data, error, reload } = useLoaded(
    (signal) => get('api/v1/tasks', { query: { ...asked, limit: LIMIT, after, fields: FIELDS }, signal }),
    [],
    {
      // Behind the first page only the tasks that are shown can change what is shown.
      wants: ({ tasks }) => !after || tasks === null || data?.tasks.some(({ id }) => tasks.has(id)),
      merge: (before, page) => ({ ...page, tasks: shareByKey(before?.tasks, page.tasks, 'id') }),
    },
  );
  const held = useHeld(data?.tasks, Boolean(data?.next), selected.size > 0);
  const rows = useMemo(() => (text ? held.rows?.filter((task) => matches(task, text)) : held.rows), [held.rows, text]);
  const selection = useMemo(() => ({
    toggle: (task) => setSelected((before) => toggled(before, task)),
    clear: () => setSelected(new Map()),
    all: (tasks) => setSelected(new Map(tasks.map((task) => [task.id, task]))),
  }), []);
  useRowKeys(selection);
  // What is not shown is not selected either: nobody would know what is done to what.
  useEffect(() => setSelected((before) => only(before, rows)), [rows]);

  if (!rows) return error ? html`<${Failure} error=${error} onRetry=${reload} />` : html`<${Loading} lines="8" />`;
  if (!rows.length) return html`<${Nothing} filters=${filters} after=${after} />`;
  const done = () => {
    selection.clear();
    held.release();
    reload();
  };
  const follow = () => {
    held.release();
    focusContent();
  };
  return html`
    <div class="fresh-place">
      ${held.waiting > 0 && html`<button class="button small fresh" onClick=${follow}>Show ${plural(held.waiting, 'change')}</button>`}
    </div>
    <${Rows} rows=${rows} selected=${selected} selection=${selection} held=${held} />
    <${Pages} filters=${filters} after=${after} next=${data.next} />
    ${selected.size > 0 && html`<${Bulk} tasks=${[...selected.values()]} rows=${rows} onDone=${done} onClear=${selection.clear} />`}`;
}

/** The selected ones of `rows`. */
function only(before, rows = []) {
  const shown = new Set(rows.map((task) => task.id));
  const next = new Map([...before].filter(([id]) => shown.has(id)));
  return next.size === before.size ? before : next;
}

function toggled(before, task) {
  const next = new Map(before);
  if (!next.delete(task.id)) next.set(task.id, task);
  return next;
}

function Pages({ filters, after, next }) {
  if (!after && !next) return null;
  return html`<nav class="pages" aria-label="Pages of tasks">
    ${after && html`<a class="button small" href=${link('tasks', filters)}>Newest</a>`}
    ${next && html`<a class="button small" href=${link('tasks', { ...filters, after: next })}>Older</a>`}
  </nav>`;
}

const EXAMPLE = { kind: 'prompt', prompt: 'Say hello', provider: 'echo', tags: ['greeting'] };

function Nothing({ filters, after }) {
  const { text } = filters;
  if (text) {
    return html`<${Empty} title="Nothing here has “${text}” in it">
      The text is looked for in the tasks of this page.
      ${text.length > 30 && html` A whole id opens its task: <a href=${link(`tasks/${encodeURIComponent(text)}`)}>open it</a>.`}
    <//>`;
  }
  if (isFiltered(filters) || after) {
    return html`<${Empty} title="No task is like that"><a href=${link('tasks')}>Show all tasks</a><//>`;
  }
  return html`<${Empty} title="No task has been created yet" command=${curl('api/v1/tasks', EXAMPLE)}>
    Create one here, by the MCP tools of your assistant, or from a shell:
  <//>`;
}
