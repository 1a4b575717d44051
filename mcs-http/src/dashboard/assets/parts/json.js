// JSON as a tree that folds, and a button that copies.
import { html, useState } from '../ui.js';
import { copyText } from './command.js';

const LONG = 2000;
const CHILDREN = 200;

/** A value as a tree; what is deeper than `depth` begins folded. */
export function JsonTree({ value, depth = 2 }) {
  return html`<div class="json"><${Node} value=${value} depth=${depth} /></div>`;
}

function Node({ name, value, depth, last = true }) {
  const label = name === undefined ? null : html`<span class="json-name">${name}</span>: `;
  if (value === null || typeof value !== 'object') {
    return html`<div class="json-line">${label}<${Leaf} value=${value} />${last ? '' : ','}</div>`;
  }
  const entries = Array.isArray(value) ? value.map((inner, index) => [index, inner]) : Object.entries(value);
  const [start, end] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  if (entries.length === 0) return html`<div class="json-line">${label}${start}${end}${last ? '' : ','}</div>`;
  return html`<${Branch} ...${{ label, entries, start, end, depth, last, named: !Array.isArray(value) }} />`;
}

// Children of a folded branch are made when it is opened: a result may have megabytes.
function Branch({ label, entries, start, end, depth, last, named }) {
  const [open, setOpen] = useState(depth > 0);
  const [shown, setShown] = useState(CHILDREN);
  const many = `${entries.length} ${entries.length === 1 ? 'entry' : 'entries'}`;
  return html`<details class="json-branch" open=${open} onToggle=${(event) => setOpen(event.currentTarget.open)}>
    <summary>${label}${start}${open ? '' : html`<span class="json-count"> ${many} </span>${end}${last ? '' : ','}`}</summary>
    ${
      open &&
      html`<div class="json-children">
        ${entries
          .slice(0, shown)
          .map(
            ([key, inner], index) =>
              html`<${Node} key=${key} name=${named ? JSON.stringify(key) : undefined} value=${inner} depth=${depth - 1} last=${index === entries.length - 1} />`,
          )}
        ${
          entries.length > shown &&
          html`<button type="button" class="button plain small" onClick=${() => setShown(shown * 4)}>${entries.length - shown} more</button>`
        }
      </div>
      <div class="json-line">${end}${last ? '' : ','}</div>`
    }
  </details>`;
}

function Leaf({ value }) {
  const [whole, setWhole] = useState(false);
  if (typeof value !== 'string')
    return html`<span class=${value === null ? 'json-null' : `json-${typeof value}`}>${String(value)}</span>`;
  const cut = !whole && value.length > LONG;
  const shown = JSON.stringify(cut ? value.slice(0, LONG) : value);
  return html`<span class="json-string">${shown}</span>${
    cut &&
    html` <button type="button" class="button plain small" onClick=${() => setWhole(true)}>all ${value.length} characters</button>`
  }`;
}

/** Copies what `text` returns, and says so where the button is. */
export function Copy({ text, label = 'Copy' }) {
  const [said, setSaid] = useState(null);
  const copy = async () => {
    setSaid((await copyText(text())) ? 'Copied' : 'Not copied');
    setTimeout(() => setSaid(null), 1500);
  };
  return html`<button type="button" class="button small" aria-live="polite" onClick=${copy}>${said ?? label}</button>`;
}

/** The text as JSON, if it is an object or a list. */
export function parsed(text) {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
