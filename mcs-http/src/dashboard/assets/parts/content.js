// What a task answers, block by block.
import { html, useState } from '../ui.js';
import { count } from '../format.js';
import { JsonTree, Copy, parsed } from './json.js';

const SHOWN = 20_000;
const PICTURES = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);

/** A result: `{content, structured, is_error}`. Texts of people and models are `prose`, those of programs are not. */
export function Result({ result, prose }) {
  const blocks = result.content ?? [];
  const structured = result.structured;
  const same = blocks.length === 1 && structured !== undefined && sameJson(blocks[0].text, structured);
  return html`
    ${result.is_error && html`<p class="notice bad">The work was done, and its outcome is an error.</p>`}
    ${!same && blocks.map((block, index) => html`<${Block} key=${index} block=${block} prose=${prose} />`)}
    ${
      structured !== undefined &&
      structured !== null &&
      html`<div class="block">
      <div class="block-head"><h3>For programs</h3><${Copy} text=${() => JSON.stringify(structured, null, 2)} /></div>
      <${JsonTree} value=${structured} depth=${same || !blocks.length ? 2 : 1} />
    </div>`
    }
    ${!blocks.length && structured === undefined && html`<p class="quiet">The result is empty.</p>`}
  `;
}

function sameJson(text, structured) {
  const value = typeof text === 'string' ? parsed(text) : undefined;
  return value !== undefined && JSON.stringify(value) === JSON.stringify(structured);
}

function Block({ block, prose }) {
  if (block.type === 'image') return html`<${Picture} block=${block} />`;
  if (block.type === 'resource_link') {
    return html`<p class="block"><${Link} uri=${block.uri} name=${block.name} /></p>`;
  }
  if (block.type === 'audio') {
    return html`<p class="block quiet">A sound of type ${block.mimeType}, which is not played here.</p>`;
  }
  if (block.type === 'resource') return html`<${Resource} resource=${block.resource} />`;
  return html`<${Text} text=${block.text ?? ''} title="Answer" prose=${prose} />`;
}

function Resource({ resource }) {
  if (typeof resource.text === 'string') return html`<${Text} text=${resource.text} title=${resource.uri} />`;
  return html`<p class="block quiet">Bytes of type ${resource.mimeType ?? 'unknown'}: <code>${resource.uri}</code></p>`;
}

function Picture({ block }) {
  const type = block.mimeType;
  // What a task answers is a stranger's: a picture of another type, such as SVG, is only named.
  if (!PICTURES.has(type)) return html`<p class="block quiet">A picture of type ${type}, which is not shown here.</p>`;
  return html`<img class="block picture" src=${`data:${type};base64,${block.data}`} alt="A picture of the result" />`;
}

/** A link, if it leads to the web. Others, such as `javascript:`, are text. */
function Link({ uri, name }) {
  if (!/^https?:\/\//i.test(uri)) return html`<strong>${name}</strong> <code>${uri}</code>`;
  return html`<a href=${uri} target="_blank" rel="noopener noreferrer">${name || uri}</a>`;
}

/** Text, which may be JSON; the end of a long one on demand. */
export function Text({ text, title, prose }) {
  const [whole, setWhole] = useState(false);
  const value = parsed(text);
  const cut = !whole && text.length > SHOWN;
  return html`<div class="block">
    <div class="block-head"><h3>${title}</h3><${Copy} text=${() => text} /></div>
    ${
      value !== undefined
        ? html`<${JsonTree} value=${value} />`
        : html`<pre class=${`text ${prose ? 'prose' : ''}`} tabindex="0">${cut ? text.slice(0, SHOWN) : text}</pre>`
    }
    ${
      cut &&
      value === undefined &&
      html`<button type="button" class="button plain small" onClick=${() => setWhole(true)}>Show all ${count(text.length)} characters</button>`
    }
  </div>`;
}
