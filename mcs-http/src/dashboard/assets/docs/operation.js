// One operation of the reference: what it takes, what it answers, and a line that does it.
import { html, useState } from '../ui.js';
import { root } from '../api.js';
import { Command } from '../parts/command.js';
import { bounds, content, curl, nameOf, resolve, typeOf } from './document.js';
import { Schema } from './schema.js';
import { Words } from './words.js';

const PLACES = { path: 'In the path', query: 'In the query', header: 'Headers' };

/** An operation, folded until it is looked at. */
export function Operation({ operation, document, open }) {
  const [shown, setShown] = useState(open);
  return html`<details class="operation" id=${operation.id} open=${open} onToggle=${(event) => setShown(event.currentTarget.open)}>
    <summary><span class=${`method ${operation.method}`}>${operation.method.toUpperCase()}</span>
      <code class="path">${operation.path}</code> <span class="summary">${operation.summary}</span></summary>
    ${shown && html`<${Body} operation=${operation} document=${document} />`}
  </details>`;
}

function Body({ operation, document }) {
  const body = resolve(operation.requestBody, document);
  const taken = content(body);
  const at = root.href.replace(/\/$/, '');
  return html`<div class="operation-body">
    <${Words} text=${operation.description} />
    <${Access} operation=${operation} document=${document} />
    ${Object.entries(PLACES).map(
      ([place, title]) => html`<${Parameters} key=${place} title=${title} document=${document}
      parameters=${operation.parameters.filter((one) => one.in === place)} />`,
    )}
    ${
      taken &&
      html`<h3>Body ${body.required ? '' : html`<span class="quiet">(may be left out)</span>`} <code class="type">${nameOf(taken.schema) ?? taken.type}</code></h3>
      <${Schema} schema=${taken.schema} document=${document} />`
    }
    <h3>Example</h3>
    <${Command} text=${curl(operation, document, at)} />
    <h3>Answers</h3>
    <ul class="answers">${Object.entries(operation.responses ?? {}).map(
      ([status, answer]) => html`<${Answer} key=${status} status=${status}
      answer=${resolve(answer, document)} document=${document} />`,
    )}</ul>
  </div>`;
}

function Access({ operation, document }) {
  const security = operation.security ?? document.security ?? [];
  const scopes = [...new Set(security.flatMap((one) => Object.values(one).flat()))];
  const scope = operation['x-scope'] ?? (scopes.length ? scopes.join(', ') : null);
  if (scope) return html`<p class="quiet">Needs the scope <code>${scope}</code>.</p>`;
  return security.some((one) => Object.keys(one).length)
    ? html`<p class="quiet">Needs a token or a session.</p>`
    : html`<p class="quiet">Open to everybody.</p>`;
}

function Parameters({ title, parameters, document }) {
  if (!parameters.length) return null;
  return html`<h3>${title}</h3><ul class="fields">
    ${parameters.map(
      (one) => html`<li key=${one.name}>
      <p><code class="name">${one.name}</code> <code class="type">${typeOf(one.schema, document)}</code>
        ${one.required && html` <span class="tag wait">required</span>`} <span class="quiet">${bounds(resolve(one.schema, document))}</span></p>
      <${Words} text=${one.description ?? resolve(one.schema, document).description} />
    </li>`,
    )}
  </ul>`;
}

function Answer({ status, answer, document }) {
  const given = content(answer);
  const tone = status.startsWith('2') ? 'good' : 'bad';
  return html`<li>
    <details>
      <summary><span class=${`code ${tone}`}>${status}</span> <span>${answer.description}</span>
        ${given && html` <code class="type">${nameOf(given.schema) ?? given.type}</code>`}</summary>
      ${given?.schema ? html`<${Schema} schema=${given.schema} document=${document} />` : html`<p class="quiet">${given ? given.type : 'No body.'}</p>`}
    </details>
  </li>`;
}
