import { root } from '../api.js';
import { currentSession } from '../session.js';
import { html, useState } from '../ui.js';
import { Icon } from './icon.js';

/** A line for a shell, to be copied. */
export function Command({ text }) {
  const [said, setSaid] = useState('Copy');
  const copy = async () => {
    setSaid((await copyText(text)) ? 'Copied' : 'Not copied');
    setTimeout(() => setSaid('Copy'), 2000);
  };
  return html`<div class="command">
    <pre tabindex="0" aria-label="Command">${text}</pre>
    <button class="button small" onClick=${copy}>
      <${Icon} name=${said === 'Copied' ? 'check' : 'copy'} size="16" /><span aria-live="polite">${said}</span>
    </button>
  </div>`;
}

/** The line that sends a body to a route of this service, as a person would type it. */
export function curl(path, body, method = 'POST') {
  const url = quoted(new URL(path, root).href);
  // What curl does by itself is not said.
  const verb = method === (body ? 'POST' : 'GET') ? '' : ` -X ${method}`;
  const json = body ? ` \\\n  -H 'content-type: application/json' \\\n  -d ${quoted(JSON.stringify(body))}` : '';
  const token = currentSession().access === 'open' ? '' : ' \\\n  -H "authorization: Bearer $MCS_TOKEN"';
  return `curl${verb} ${url}${token}${json}`;
}

/** A word of a shell, in quotes where it needs them. */
const quoted = (text) => (/^[\w:/.-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** Copies, and says whether it did. Pages that are not served over TLS have no clipboard, so the old way is the second one. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const before = document.activeElement;
    const area = document.createElement('textarea');
    area.value = text;
    // Behind an open dialog nothing can be selected.
    (before?.closest('dialog') ?? document.body).append(area);
    area.select();
    const copied = document.execCommand('copy');
    area.remove();
    before?.focus?.();
    return copied;
  }
}
