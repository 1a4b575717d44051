import { get } from '../api.js';
import { count, money } from '../format.js';
import { Tag } from '../parts/badge.js';
import { Empty, Failure, Loading } from '../parts/empty.js';
import { Icon } from '../parts/icon.js';
import { useLoaded } from '../parts/loaded.js';
import { Table } from '../parts/table.js';
import { link } from '../route.js';
import { html } from '../ui.js';

/** What a program needs may come and go, so that it is asked again, but not often. */
const PACE = { every: 15_000, refresh: 60_000 };

const price = (value) => (value === undefined ? html`<span class="quiet">–</span>` : money(value));

const COLUMNS = [
  { title: 'Model', kind: 'main', cell: (model) => html`<span class="model-name">${model.name} ${model.default && html`<${Tag}>Default<//>`}</span>` },
  { title: 'Provider', cell: (model) => html`<${Provider} model=${model} />` },
  { title: 'Reading', kind: 'number', cell: (model) => price(model.input_usd_per_mtok) },
  { title: 'Reading, cached', kind: 'number', cell: (model) => price(model.cached_input_usd_per_mtok) },
  { title: 'Writing', kind: 'number', cell: (model) => price(model.output_usd_per_mtok) },
  { title: 'Context', kind: 'number', cell: (model) => count(model.context_tokens) },
];

/** What kinds of task there are, which of them can run here, and what models cost. */
export default function Models() {
  const kinds = useLoaded(async (signal) => (await get('api/v1/kinds', { signal })).kinds, [], PACE);
  const models = useLoaded((signal) => get('api/v1/models', { signal }), [], PACE);
  return html`
    <header class="page-head"><h1>Models and kinds</h1></header>
    <div class="stack">
      <section class="stack" aria-labelledby="kinds">
        <div class="section-head"><h2 id="kinds">Kinds of task</h2></div>
        <${Kinds} ...${kinds} />
      </section>
      <section class="stack" aria-labelledby="models">
        <div class="section-head"><h2 id="models">Models</h2><span class="quiet">US dollars for a million tokens</span></div>
        <${Prices} ...${models} />
      </section>
    </div>`;
}

function Kinds({ data, error, reload }) {
  if (!data) return error ? html`<${Failure} error=${error} onRetry=${reload} />` : html`<${Loading} />`;
  return html`<div class="kinds">${data.map((kind) => html`<${Kind} key=${kind.name} kind=${kind} />`)}</div>`;
}

function Kind({ kind }) {
  return html`<article class="card kind">
    <div class="card-head"><h3 class="mono">${kind.name}</h3><${Availability} kind=${kind} /></div>
    <p class="quiet">${kind.description ?? 'Workers elsewhere do it; nothing is known about its payload.'}</p>
    ${kind.available === false && html`<div class="remedy">
      <p><b>Why:</b> ${kind.reason}</p>
      ${kind.remedy && html`<p><b>To change that:</b> ${kind.remedy}</p>`}
    </div>`}
    ${kind.available !== false && html`<a href=${link('new', { kind: kind.name })}>New task of this kind</a>`}
  </article>`;
}

function Availability({ kind }) {
  if (kind.available === true) return html`<${Tag} tone="good" icon=${html`<${Icon} name="check" size="12" />`}>Available<//>`;
  if (kind.available === false) return html`<${Tag} tone="bad" icon=${html`<${Icon} name="cross" size="12" />`}>Not available<//>`;
  return html`<${Tag} icon=${html`<${Icon} name="right" size="12" />`}>Elsewhere<//>`;
}

function Provider({ model }) {
  return html`<span class=${model.available ? '' : 'quiet'}>${model.provider}${model.available ? '' : ', no key'}</span>`;
}

/** Whether a provider that asks for a key has one. */
const isPaid = (model) => model.available && model.provider !== 'echo';

function Prices({ data, error, reload }) {
  if (!data) return error ? html`<${Failure} error=${error} onRetry=${reload} />` : html`<${Loading} />`;
  const { models } = data;
  if (!models.length) {
    return html`<${Empty} title="No model is known"><code>[[models]]</code> in the configuration adds models and their prices.<//>`;
  }
  // Those that can be used come first.
  const sorted = [...models].sort((a, b) => b.available - a.available);
  return html`
    ${!models.some(isPaid) && html`<p class="note">No provider of these models has a key. <code>OPENAI_API_KEY</code>, <code>ANTHROPIC_API_KEY</code> or
      ${' '}<code>DEEPSEEK_API_KEY</code> in the environment of the service is enough for one; <code>echo</code> answers without any.</p>`}
    <${Table} caption="Models and their prices" columns=${COLUMNS} rows=${sorted} rowKey=${(model) => `${model.provider} ${model.name}`} />`;
}
