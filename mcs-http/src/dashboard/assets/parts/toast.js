import { html, useEffect, useState } from '../ui.js';
import { Icon } from './icon.js';

const SHOWN_FOR = 6000;
let next = 1;
let toasts = [];
let tell = () => {};

/**
 * Says that something happened. Failures stay until they are dismissed.
 * @param {string} text
 * @param {{tone?: 'good'|'bad', href?: string, action?: string}} [options] a link to what came of it
 */
export function toast(text, { tone = 'good', href, action } = {}) {
  const id = next++;
  toasts = [...toasts.slice(-3), { id, text, tone, href, action }];
  tell(toasts);
  if (tone !== 'bad') setTimeout(() => dismiss(id), SHOWN_FOR);
}

function dismiss(id) {
  toasts = toasts.filter((each) => each.id !== id);
  tell(toasts);
}

export function Toasts() {
  const [shown, setShown] = useState(toasts);
  useEffect(() => {
    tell = setShown;
    return () => {
      tell = () => {};
    };
  }, []);
  return html`<div class="toasts" role="status" aria-live="polite">
    ${shown.map(({ id, text, tone, href, action }) => html`
      <div class="toast ${tone}" key=${id}>
        <${Icon} name=${tone === 'bad' ? 'warning' : 'check'} />
        <p>${text}${href && html` <a href=${href}>${action}</a>`}</p>
        <button class="icon-button" aria-label="Dismiss" onClick=${() => dismiss(id)}><${Icon} name="close" size="16" /></button>
      </div>`)}
  </div>`;
}
