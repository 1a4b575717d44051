import { html } from '../ui.js';
import { Command } from './command.js';

/** What stands where there is nothing yet: why, and what to do next. */
export function Empty({ title, children, command }) {
  return html`<div class="empty">
    <h3>${title}</h3>
    ${children && html`<p>${children}</p>`}
    ${command && html`<${Command} text=${command} />`}
  </div>`;
}

/** What went wrong with a part of the page. */
export function Failure({ error, onRetry }) {
  const denied = error.status === 403;
  return html`<div class="empty failure" role="alert">
    <h3>${denied ? 'Not for this token' : 'This could not be loaded'}</h3>
    <p>${error.message}</p>
    ${onRetry && !denied && html`<button class="button" onClick=${onRetry}>Try again</button>`}
  </div>`;
}

/** Grey bars where something is about to be. */
export function Loading({ lines = 4 }) {
  return html`<div class="loading" aria-busy="true" aria-label="Loading">
    ${Array.from({ length: lines }, (_, index) => html`<div class="bar" key=${index}></div>`)}
  </div>`;
}
