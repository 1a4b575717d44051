// What an agent said and did, as a conversation.
import { html, memo, useMemo, useState } from '../../ui.js';
import { bytes, count, exactCount, money, plural } from '../../format.js';
import { JsonTree, Copy } from '../../parts/json.js';
import { about, reader } from './conversation.js';

// As many are drawn at once; earlier ones in pieces of as many.
const PIECE = 100;
const NONE = [];

/** The conversation in `events`; `streamed` is the text that is being written right now. */
export const Agent = memo(({ events, streamed }) => {
  const [wanted, setWanted] = useState(PIECE);
  const read = useMemo(reader, []);
  const items = useMemo(() => read(events ?? NONE), [events]);
  if (!items.some((item) => item.type !== 'attempt') && !streamed) return null;
  const hidden = Math.max(items.length - wanted, 0);
  return html`<section class="card" aria-labelledby="agent-title">
    <div class="card-head"><h2 id="agent-title">What it said and did</h2></div>
    ${hidden > 0 && html`<button type="button" class="button plain small" onClick=${() => setWanted(wanted + PIECE)}>${hidden} earlier</button>`}
    <ol class="conversation">
      ${items.slice(hidden).map(one)}
      ${streamed && html`<li key="streamed"><div class="message streaming" aria-busy="true"><pre class="prose">${streamed}</pre></div></li>`}
    </ol>
  </section>`;
});

const one = (item) => html`<li key=${item.key}><${Item} item=${item} version=${item.version} /></li>`;

const Item = memo(({ item }) => {
  switch (item.type) {
    case 'message':
      return html`<div class="message"><pre class="prose">${item.text}</pre><${Cut} ...${item} /></div>`;
    case 'thinking':
      return html`<details class="thinking"><summary>Thought</summary><pre class="prose">${item.text}</pre><${Cut} ...${item} /></details>`;
    case 'tool_call':
      return html`<${Call} call=${item} />`;
    case 'tool_result':
      return html`<div class="call"><pre class="text">${item.text}</pre></div>`;
    case 'cost':
      return html`<p class="aside">${money(item.cost_usd)} up to here, ${plural(item.turns, 'turn')}, ${exactCount(item.input_tokens + item.output_tokens)} tokens</p>`;
    case 'warning':
      return html`<p class="aside warn">${item.message}</p>`;
    case 'retry':
      return html`<p class="aside warn">The API failed (${item.error_status ?? item.error}) and is asked again, ${item.attempt} of ${item.max_retries}.</p>`;
    case 'attempt':
      return html`<p class="aside">Attempt ${item.attempt}</p>`;
    default:
      return html`<div class="call"><${JsonTree} value=${spoken(item)} depth=${1} /></div>`;
  }
});

/** What the program said, without what this page keeps beside it. */
const spoken = ({ key, version, inner, ...said }) => said;

// What is in a call is made when it is opened: it may be large, and most are never read.
function Call({ call }) {
  const [open, setOpen] = useState(false);
  const { result } = call;
  const state = !result ? 'open' : result.is_error ? 'failed' : 'done';
  const mark = { open: 'running', failed: 'failed', done: 'done' }[state];
  return html`<details class=${`call ${state}`} onToggle=${(event) => event.target === event.currentTarget && setOpen(event.currentTarget.open)}>
    <summary><strong>${call.name}</strong> <code class="about">${about(call.input)}</code> <span class="mark">${mark}</span></summary>
    ${open && html`<${Body} call=${call} />`}
    ${open && call.inner.length > 0 && html`<ol class="conversation inner">${call.inner.map(one)}</ol>`}
  </details>`;
}

function Body({ call }) {
  const { result } = call;
  return html`<div class="call-body">
    <${JsonTree} value=${call.input} depth=${2} />
    <${Cut} ...${call} />
    ${
      result &&
      html`<div class="block-head"><h3>${result.is_error ? 'It failed' : 'It answered'}</h3><${Copy} text=${() => result.text} /></div>
      <pre class="text" tabindex="0">${result.text || '(nothing)'}</pre>
      <${Cut} ...${result} />`
    }
  </div>`;
}

// Large texts are cut where they are stored; the size says that there was more.
function Cut({ bytes: size }) {
  return size ? html`<p class="aside">Cut: ${bytes(size)} in all.</p>` : null;
}

/** The files that a run changed, from its result or the details of its failure. */
export function Files({ changed, branch, worktree }) {
  const files = changed?.files ?? [];
  const left = (changed?.total ?? files.length) - files.length;
  return html`<div class="block">
    <div class="block-head"><h3>Files changed</h3>${branch && html`<span class="quiet">branch <code>${branch}</code></span>`}</div>
    ${worktree && html`<p class="quiet">In the worktree <code>${worktree}</code></p>`}
    ${
      files.length
        ? html`<ul class="files">
          ${files.map(
            (file) => html`<li key=${file.path}>
              <span class=${`change ${file.change}`}>${file.change}</span> <code>${file.from ? `${file.from} → ` : ''}${file.path}</code>
            </li>`,
          )}
        </ul>`
        : html`<p class="quiet">None.</p>`
    }
    ${left > 0 && html`<p class="quiet">and ${count(left)} more</p>`}
  </div>`;
}
