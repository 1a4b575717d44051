// The reference of the HTTP API, made of the document that the service itself gives at /openapi.json.
import { get } from './api.js';
import { html, render, useEffect, useMemo, useRef, useState } from './ui.js';
import { groups, matching } from './docs/document.js';
import { Operation } from './docs/operation.js';
import { Words } from './docs/words.js';
import { Failure, Loading } from './parts/empty.js';
import { ThemeSwitch } from './parts/theme-switch.js';

function Docs() {
  const { document: openapi, problem, load } = useDocument();
  const [text, setText] = useState('');
  const all = useMemo(() => (openapi ? groups(openapi) : []), [openapi]);
  const shown = useMemo(() => matching(all, text), [all, text]);
  const field = useSlash();
  const target = useTarget(openapi);
  return html`<a class="skip" href="#content">Skip to the content</a>
    <header class="docs-top">
      <a class="brand" href="./"><img src=${new URL('icon.svg', import.meta.url)} width="22" height="22" alt="" />MCS</a>
      <label class="docs-search"><span class="unseen">Find an operation</span>
        <input ref=${field} class="input" type="search" placeholder="Find an operation  ( / )" value=${text} onInput=${(event) => setText(event.currentTarget.value)} /></label>
      <a href="./openapi.json">openapi.json</a>
      <${ThemeSwitch} />
    </header>
    <div class="docs">
      <nav class="docs-nav" aria-label="Operations">${shown.map((group) => html`<${Links} key=${group.name} group=${group} />`)}</nav>
      <main id="content" tabindex="-1">
        ${openapi && html`<h1>${openapi.info.title} <span class="quiet">${openapi.info.version}</span></h1><${Words} text=${openapi.info.description} />`}
        ${problem && html`<${Failure} error=${problem} onRetry=${load} />`}
        ${!openapi && !problem && html`<${Loading} lines="8" />`}
        ${openapi && !shown.length && html`<p class="empty">No operation has “${text}”.</p>`}
        ${shown.map(
          (group) => html`<section key=${group.name} class="docs-group" aria-labelledby=${`group-${group.name}`}>
          <h2 id=${`group-${group.name}`}>${group.name}</h2>
          <${Words} text=${group.description} />
          ${group.operations.map((operation) => html`<${Operation} key=${operation.id} operation=${operation} document=${openapi} open=${operation.id === target} />`)}
        </section>`,
        )}
      </main>
    </div>`;
}

function Links({ group }) {
  return html`<section><h2>${group.name}</h2><ul>
    ${group.operations.map(
      (operation) => html`<li key=${operation.id}><a href=${`#${operation.id}`}>
      <span class=${`method ${operation.method}`}>${operation.method}</span> <span>${operation.summary ?? operation.path}</span></a></li>`,
    )}
  </ul></section>`;
}

function useDocument() {
  const [state, setState] = useState({});
  const load = () =>
    get('openapi.json').then(
      (document) => setState({ document }),
      (problem) => setState({ problem }),
    );
  useEffect(() => {
    load();
  }, []);
  return { ...state, load };
}

/** The operation that the address names, opened and brought into view. */
function useTarget(openapi) {
  const [target, setTarget] = useState(location.hash.slice(1));
  useEffect(() => {
    const changed = () => setTarget(location.hash.slice(1));
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  useEffect(() => {
    const found = openapi && target && document.getElementById(target);
    if (!found) return;
    found.open = true;
    found.scrollIntoView();
    found.querySelector('summary')?.focus({ preventScroll: true });
  }, [openapi, target]);
  return target;
}

/** `/` goes to the search, as on the other pages. */
function useSlash() {
  const field = useRef(null);
  useEffect(() => {
    const pressed = (event) => {
      if (event.key !== '/' || event.target.closest('input, textarea, select')) return;
      event.preventDefault();
      field.current?.focus();
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, []);
  return field;
}

render(html`<${Docs} />`, document.getElementById('app'));
