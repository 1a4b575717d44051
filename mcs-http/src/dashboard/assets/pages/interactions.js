// Calls that MCP servers report: what each server does, and the calls one by one, live.
import { html, useEffect, useRef, useState } from '../ui.js';
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
const FILTERS = ['mcp_id', 'status', 'tool', 'user'];

/** The page. What it shows is in the address, so that it can be sent to somebody. */
export default function Interactions({ query }) {
  const filter = Object.fromEntries(FILTERS.map((name) => [name, query.get(name) ?? '']));
  const hours = Number(query.get('hours')) || 24;
  const { list, statistics, problem, more } = useInteractions(filter, hours);
  const set = (changes) =>
    go(link('interactions', { ...filter, hours: hours === 24 ? '' : hours, ...changes }), { replace: true });
  if (problem && !list) return html`<${Failure} error=${problem} />`;
  const nothing = list?.length === 0 && FILTERS.every((name) => !filter[name]);
  return html`<article class="interactions">
    <div class="card-head">
      <h1>Interactions</h1>
      <label class="inline">Charts over <select value=${String(hours)} onChange=${(event) => set({ hours: event.currentTarget.value })}>
        ${[6, 24, 72, 168].map((number) => html`<option key=${number} value=${String(number)}>${number <= 72 ? `${number} hours` : '7 days'}</option>`)}
      </select></label>
    </div>
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

function useInteractions(filter, hours) {
  const [state, setState] = useState({ list: null, statistics: null, problem: null, next: null });
  const key = JSON.stringify([filter, hours]);
  const current = useRef(key);
  current.current = key;
  useEffect(() => {
    let timer = 0;
    let last = 0;
    const look = async () => {
      timer = 0;
      last = Date.now();
      try {
        const [page, statistics] = await Promise.all([
          get('api/v2/interactions', { query: { ...filter, limit: 50 } }),
          get('api/v2/statistics', { query: { hours } }),
        ]);
        // The reader may have chosen something else meanwhile.
        if (current.current === key) setState((before) => share(before, { list: page.interactions, next: page.next, statistics, problem: null }));
      } catch (problem) {
        if (current.current === key) setState((before) => ({ ...before, problem }));
      }
    };
    const soon = () => {
      timer ||= setTimeout(look, Math.max(0, last + PACE - Date.now()));
    };
    soon();
    const stop = follow('api/v2/interactions/stream', { mcp_id: filter.mcp_id }, { interaction: soon, open: soon });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [key]);
  const more =
    state.next &&
    (async () => {
      const page = await get('api/v2/interactions', { query: { ...filter, limit: 50, cursor: state.next } });
      setState((before) => ({ ...before, list: [...before.list, ...page.interactions], next: page.next }));
    });
  return { ...state, more };
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

const EXAMPLE = {
  action: 'interaction_start',
  interaction_id: 'int_1',
  mcp_id: 'weather',
  timestamp: 1700000000,
  request_data: { tool: 'forecast' },
};

const Nothing = () => html`<${Empty} title="No MCP server has reported yet" command=${curl('api/v2/interactions', EXAMPLE)}>
  Link <code>mcs-reporter</code> into a server, or report one call by hand:
<//>`;
