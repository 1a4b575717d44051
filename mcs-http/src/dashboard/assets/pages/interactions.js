// Calls that MCP servers report: what each server does, and the calls one by one, live.
import { html, useEffect, useMemo, useRef, useState } from '../ui.js';
import { get } from '../api.js';
import { NOTHING, duration } from '../format.js';
import { Ago } from '../parts/clock.js';
import { curl } from '../parts/command.js';
import { Empty, Failure, Loading } from '../parts/empty.js';
import { Table } from '../parts/table.js';
import { go, link } from '../route.js';
import { share } from '../share.js';
import { follow } from '../stream.js';
import { Server } from './interactions/server.js';
import { STATUSES, State } from './interactions/state.js';

// However much is reported, the page looks once a second.
const PACE = 1000;
const LIMIT = 50;
const FILTERS = ['mcp_id', 'status', 'tool', 'user'];

/** The page. What it shows is in the address, so that it can be sent to somebody. */
export default function Interactions({ query }) {
  const filter = Object.fromEntries(FILTERS.map((name) => [name, query.get(name) ?? '']));
  const hours = Number(query.get('hours')) || 24;
  const { list, statistics, problem, more, reload } = useInteractions(filter, hours);
  const set = (changes) =>
    go(link('interactions', { ...filter, hours: hours === 24 ? '' : hours, ...changes }), { replace: true });
  if (problem && !list) return html`<h1>Interactions</h1><${Failure} error=${problem} onRetry=${reload} />`;
  const nothing = list?.length === 0 && FILTERS.every((name) => !filter[name]);
  return html`<article class="interactions">
    <div class="card-head">
      <h1>Interactions</h1>
      <label class="inline">Charts over <select value=${String(hours)} onChange=${(event) => set({ hours: event.currentTarget.value })}>
        ${[6, 24, 72, 168].map((number) => html`<option key=${number} value=${String(number)}>${number <= 72 ? `${number} hours` : '7 days'}</option>`)}
      </select></label>
    </div>
    ${problem && html`<p class="notice wait" role="status">What is shown could not be refreshed: ${problem.message}</p>`}
    ${
      nothing
        ? html`<${Nothing} />`
        : html`
      <div class="servers">
        ${(statistics?.servers ?? []).map(
          (server) => html`<${Server} key=${server.mcp_id} server=${server} hours=${hours}
          chosen=${filter.mcp_id === server.mcp_id} choose=${() => set({ mcp_id: filter.mcp_id === server.mcp_id ? '' : server.mcp_id })} />`,
        )}
      </div>
      <${Filters} filter=${filter} set=${set} servers=${statistics?.servers ?? []} />
      <${List} list=${list} more=${more} />`
    }
  </article>`;
}

const EMPTY = { list: null, statistics: null, problem: null, next: null };

function useInteractions(filter, hours) {
  const [state, setState] = useState(EMPTY);
  const key = JSON.stringify([filter, hours]);
  const current = useRef(null);
  const again = useRef(() => {});
  const page = (cursor) => get('api/v2/interactions', { query: { ...filter, limit: LIMIT, cursor } });
  // The reader may have chosen something else meanwhile, or be gone.
  const show = (change) => current.current === key && setState(change);
  const failed = (problem) => show((before) => ({ ...before, problem }));
  useEffect(() => {
    current.current = key;
    let timer = 0;
    let next = 0;
    let first = true;
    const look = async () => {
      timer = 0;
      next = Date.now() + PACE;
      try {
        const [latest, statistics] = await Promise.all([page(), get('api/v2/statistics', { query: { hours } })]);
        const anew = first;
        first = false;
        show((before) => share(before, { ...refreshed(anew ? EMPTY : before, latest), statistics, problem: null }));
      } catch (problem) {
        next = Math.max(next, Date.now() + (problem.retryAfter ?? 0) * 1000);
        failed(problem);
      }
    };
    const soon = () => {
      timer ||= setTimeout(look, Math.max(0, next - Date.now()));
    };
    again.current = soon;
    soon();
    const stop = follow('api/v2/interactions/stream', { mcp_id: filter.mcp_id }, { interaction: soon, open: soon, refused: failed });
    return () => {
      stop();
      clearTimeout(timer);
      current.current = null;
    };
  }, [key]);
  const more =
    state.next &&
    (() =>
      page(state.next).then(
        (older) => show((before) => (before.next === state.next ? { ...before, list: together(before.list, older.interactions), next: older.next } : before)),
        failed,
      ));
  return { ...state, more, reload: () => again.current() };
}

/** The latest ones as they are now, and behind them the earlier ones that the reader asked for. */
function refreshed(before, latest) {
  const known = new Set(before.list?.map(keyOf));
  const goesOn = (before.list?.length ?? 0) > LIMIT && latest.interactions.some((one) => known.has(keyOf(one)));
  // Where nothing of before is left in the first page there is a gap between them.
  if (!goesOn) return { list: latest.interactions, next: latest.next };
  return { list: together(latest.interactions, before.list), next: before.next };
}

function together(first, second) {
  const known = new Set(first.map(keyOf));
  return [...first, ...second.filter((one) => !known.has(keyOf(one)))];
}

function Filters({ filter, set, servers }) {
  const text = (name, label) => html`<label class="inline">${label}
    <input class="input" type="search" value=${filter[name]} onChange=${(event) => set({ [name]: event.currentTarget.value.trim() })} /></label>`;
  const choose = (name, label, options) => html`<label class="inline">${label}
    <select value=${filter[name]} onChange=${(event) => set({ [name]: event.currentTarget.value })}>
      <option value="">all</option>
      ${options.map((option) => html`<option key=${option} value=${option}>${option}</option>`)}
    </select></label>`;
  return html`<form class="filters" role="search" onSubmit=${(event) => event.preventDefault()}>
    ${choose(
      'mcp_id',
      'Server',
      servers.map((server) => server.mcp_id),
    )}
    ${choose('status', 'Status', STATUSES)}
    ${text('tool', 'Tool')}
    ${text('user', 'User')}
  </form>`;
}

const COLUMNS = [
  { title: 'Tool', kind: 'main', cell: (one) => html`<a href=${hrefOf(one)}>${one.tool ?? one.request_type ?? one.interaction_id}</a>` },
  { title: 'Status', cell: (one) => html`<${State} status=${one.status} />${one.error_type && html` <span class="bad">${one.error_type}</span>`}` },
  { title: 'Server', cell: (one) => one.mcp_id },
  { title: 'User', cell: (one) => one.user_id ?? NOTHING },
  { title: 'Took', kind: 'number', cell: (one) => (one.duration_ms === undefined ? NOTHING : duration(one.duration_ms / 1000)) },
  { title: 'Began', cell: (one) => html`<${Ago} time=${one.started_at} />` },
];

const hrefOf = (one) => link(`interactions/${encodeURIComponent(one.interaction_id)}`, { mcp_id: one.mcp_id });
const keyOf = (one) => `${one.mcp_id}/${one.interaction_id}`;

function List({ list, more }) {
  if (!list) return html`<${Loading} />`;
  if (!list.length) return html`<${Empty} title="No interaction matches">Choose another filter.<//>`;
  return html`<${Table} caption="Interactions, those that began last first" columns=${COLUMNS} rows=${list} rowKey=${keyOf} />
    ${more && html`<p><button type="button" class="button" onClick=${more}>Earlier ones</button></p>`}`;
}

// Made when it is shown: its time is now, and a second one is another call.
const example = () => ({
  action: 'interaction_start',
  interaction_id: `int_${Date.now().toString(36)}`,
  mcp_id: 'weather',
  timestamp: Math.floor(Date.now() / 1000),
  request_data: { tool: 'forecast' },
});

function Nothing() {
  const command = useMemo(() => curl('api/v2/interactions', example()), []);
  return html`<${Empty} title="No MCP server has reported yet" command=${command}>
    Link <code>mcs-reporter</code> into a server, or report one call by hand:
  <//>`;
}
