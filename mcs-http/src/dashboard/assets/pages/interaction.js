// One call that an MCP server reported, event by event.
import { html, useEffect, useRef, useState } from '../ui.js';
import { get } from '../api.js';
import { follow } from '../stream.js';
import { duration, exact, timeOfDay } from '../format.js';
import { link } from '../route.js';
import { State } from './interactions/state.js';
import { Failure } from '../parts/empty.js';
import { Copy, JsonTree } from '../parts/json.js';

const NAMES = {
  interaction_start: 'Began',
  interaction_progress: 'Went on',
  interaction_complete: 'Completed',
  interaction_error: 'Failed',
};
const DATA = ['request_data', 'progress_data', 'result_data', 'error_data'];
const FLAGS = {
  out_of_order: 'Its events came out of order.',
  missing_start: 'No event says when it began.',
  duplicate_start: 'It began more than once; the first time counts.',
  duplicate_end: 'It ended more than once; the first time counts.',
  clock_went_back: 'It ended before it began, by the clock of its reporter.',
  abandoned: 'Its reporter let go of it before it ended.',
};

/** The page of one interaction; the query names the server that reported it. */
export default function Interaction({ parameters: { id }, query }) {
  const mcpId = query.get('mcp_id');
  const { found, problem, reload } = useInteraction(id, mcpId);
  if (problem && problem.status !== 404 && !found) return html`<h1>Interaction</h1><${Failure} error=${problem} onRetry=${reload} />`;
  if (problem && !found) {
    return html`<section class="empty"><h1>This interaction cannot be shown</h1><p>${problem.message}</p>
      <p><a href="#/interactions">All interactions</a></p></section>`;
  }
  if (!found) return html`<p class="quiet" role="status">Loading…</p>`;
  const { interaction, events } = found;
  return html`<article class="interaction">
    <header class="task-head"><p class="crumbs"><a href="#/interactions">Interactions</a> / <a href=${link('interactions', { mcp_id: interaction.mcp_id })}>${interaction.mcp_id}</a> / <code>${id}</code>
      <${Copy} label="Copy id" text=${() => id} /></p>
    <h1>${interaction.tool ?? interaction.request_type ?? id}</h1>
    <p class="traits">
      <${State} status=${interaction.status} />
      ${interaction.request_type && html`<span class="tag">${interaction.request_type}</span>`}
      ${interaction.user_id && html`<span class="tag">user ${interaction.user_id}</span>`}
      ${interaction.error_type && html`<span class="tag bad">${interaction.error_type}</span>`}
      ${interaction.duration_ms !== undefined && html`<span class="tag">${duration(interaction.duration_ms / 1000)}</span>`}
    </p></header>
    ${(interaction.flags ?? []).map((flag) => html`<p key=${flag} class="notice wait">${FLAGS[flag] ?? flag}</p>`)}
    <section class="card" aria-labelledby="events-title">
      <h2 id="events-title">Timeline</h2>
      <ol class="timeline">${events.map((event, index) => html`<${Event} key=${event.event_id ?? index} event=${event} first=${events[0]} />`)}</ol>
      ${found.next && html`<p class="quiet">There are more events than are shown here.</p>`}
    </section>
  </article>`;
}

function Event({ event, first }) {
  const at = new Date(event.timestamp * 1000);
  const since = event.timestamp - first.timestamp;
  const data = DATA.map((name) => event[name]).find((value) => value !== undefined);
  const filled = data && Object.keys(data).length > 0;
  return html`<li class=${`step ${event.action}`}>
    <span class="step-words">${NAMES[event.action] ?? event.action}</span>
    ${event !== first && html` <span class="step-since">${since < 0 ? '−' : '+'}${duration(Math.abs(since))}</span>`}
    <time datetime=${at.toISOString()} title=${exact(at)}>${timeOfDay(at)}</time>
    ${filled && html`<${JsonTree} value=${data} depth=${2} />`}
  </li>`;
}

function useInteraction(id, mcpId) {
  const [state, setState] = useState({ found: null, problem: null });
  const again = useRef(() => {});
  useEffect(() => {
    let gone = false;
    setState({ found: null, problem: null });
    const look = async () => {
      try {
        const found = await get(`api/v2/interactions/${encodeURIComponent(id)}`, { query: { mcp_id: mcpId } });
        if (!gone) setState({ found, problem: null });
      } catch (problem) {
        if (!gone) setState((before) => ({ ...before, problem }));
      }
    };
    again.current = look;
    const mine = (event) => event.interaction_id === id && look();
    const stop = follow('api/v2/interactions/stream', { mcp_id: mcpId }, { interaction: mine, open: look });
    look();
    return () => {
      gone = true;
      stop();
    };
  }, [id, mcpId]);
  return { ...state, reload: () => again.current() };
}
