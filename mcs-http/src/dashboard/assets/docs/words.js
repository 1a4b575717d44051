// The little of Markdown that descriptions use: paragraphs, lists, code and links.
import { html } from '../ui.js';

/** A description as elements. No part of it becomes markup by itself. */
export function Words({ text }) {
  if (!text) return null;
  return text
    .trim()
    .split(/\n\s*\n/)
    .map((part, index) => html`<${Block} key=${index} text=${part} />`);
}

function Block({ text }) {
  const lines = text.split('\n');
  if (text.startsWith('```')) return html`<pre class="text" tabindex="0">${lines.slice(1, -1).join('\n')}</pre>`;
  if (lines.every((line) => /^[-*] /.test(line))) {
    return html`<ul>${lines.map((line, index) => html`<li key=${index}>${inline(line.slice(2))}</li>`)}</ul>`;
  }
  return html`<p>${inline(text)}</p>`;
}

function inline(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\([^)]+\))/).map((part) => {
    if (/^`.+`$/s.test(part)) return html`<code>${part.slice(1, -1)}</code>`;
    if (/^\*\*.+\*\*$/s.test(part)) return html`<strong>${part.slice(2, -2)}</strong>`;
    const link = /^\[([^\]]+)\]\((https?:[^)]+|[#/][^)]*)\)$/.exec(part);
    return link ? html`<a href=${link[2]}>${link[1]}</a>` : part;
  });
}
