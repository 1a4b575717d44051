// Questions of a task to a human, and their answers.
import { html, memo, useState } from '../../ui.js';
import { useMay } from '../../session.js';
import { JsonTree, parsed } from '../../parts/json.js';
import { span, useNow } from './time.js';

/** The open questions of a task first, then those that were answered. `answer(key, response)` sends an answer. */
export const Questions = memo(({ requests, waits, answer }) => {
  const open = requests.filter((request) => request.response === undefined);
  const answered = requests.filter((request) => request.response !== undefined);
  return html`
    <div class="questions" role="status">${waits && open.map(({ key, request }) => html`<p key=${key} class="unseen">It asks: ${words(request)}</p>`)}</div>
    ${waits && open.map((request) => html`<${Open} key=${request.key} request=${request} answer=${answer} />`)}
    ${
      answered.length > 0 &&
      html`<details class="card answered">
      <summary>${answered.length} answered ${answered.length === 1 ? 'question' : 'questions'}</summary>
      ${answered.map(
        ({ key, request, response }) => html`<div key=${key} class="block">
          <p><strong>${words(request)}</strong></p>
          <p class="quiet">Answer:</p>
          <${JsonTree} value=${response} />
        </div>`,
      )}
    </details>`
    }
  `;
});

function words(request) {
  if (typeof request === 'string') return request;
  return request?.message ?? request?.question ?? request?.prompt ?? 'It asks:';
}

function Open({ request: { key, request }, answer }) {
  const now = useNow(Boolean(request?.expires_at));
  const allowed = useMay('write');
  const [sending, setBusy] = useState(false);
  const busy = sending || !allowed;
  const send = async (response) => {
    setBusy(true);
    await answer(key, response);
    setBusy(false);
  };
  const expires = request?.expires_at && Date.parse(request.expires_at) - now;
  const id = `question-${key}`;
  return html`<section class="card question" aria-labelledby=${id}>
    <h2 id=${id}>${words(request)}</h2>
    ${expires > 0 && html`<p class="quiet">Without an answer it is denied in ${span(expires)}.</p>`}
    ${!allowed && html`<p class="quiet">Your token may not answer it: that needs the scope write.</p>`}
    ${request?.type === 'approval' ? html`<${Approve} ...${{ request, send, busy }} />` : html`<${Free} ...${{ id, request, send, busy }} />`}
  </section>`;
}

function Approve({ request, send, busy }) {
  const [reason, setReason] = useState('');
  const [denying, setDenying] = useState(false);
  const deny = (event) => {
    event.preventDefault();
    send({ decision: 'deny', ...(reason.trim() && { reason: reason.trim() }) });
  };
  return html`
    ${request.work_directory && html`<p class="quiet place">In <code>${request.work_directory}</code></p>`}
    <${JsonTree} value=${request.input} depth=${2} />
    <div class="actions">
      <button type="button" class="button primary" disabled=${busy} onClick=${() => send({ decision: 'allow' })}>Allow</button>
      <button type="button" class="button" disabled=${busy} title=${`${request.tool} is not asked about again in this task`} onClick=${() => send({ decision: 'allow_always' })}>
        Allow ${request.tool} always
      </button>
      <button type="button" class="button careful" disabled=${busy} aria-expanded=${denying} onClick=${() => setDenying(!denying)}>Deny…</button>
    </div>
    ${
      denying &&
      html`<form class="deny" onSubmit=${deny}>
      <label>
        What it is told (may be left empty)
        <textarea rows="2" value=${reason} onInput=${(event) => setReason(event.currentTarget.value)}></textarea>
      </label>
      <button type="submit" class="button danger" disabled=${busy}>Deny</button>
    </form>`
    }
  `;
}

// Whoever asks chose the shape of the question. Options are offered as such; else a text is a text, and JSON is JSON.
function Free({ id, request, send, busy }) {
  const [text, setText] = useState('');
  const options = [request?.options, request?.choices, request?.enum].find(Array.isArray);
  const submit = (event) => {
    event.preventDefault();
    send(parsed(text) ?? text);
  };
  return html`
    ${request !== null && typeof request === 'object' && html`<${JsonTree} value=${request} depth=${2} />`}
    ${
      options &&
      html`<div class="actions">
      ${options.map((option, index) => {
        const value = option?.value ?? option;
        const label = option?.label ?? (typeof value === 'string' ? value : JSON.stringify(value));
        return html`<button key=${index} type="button" class="button" disabled=${busy} onClick=${() => send(value)}>${label}</button>`;
      })}
    </div>`
    }
    <form onSubmit=${submit}>
      <label for=${`${id}-answer`}>Answer <span class="quiet">(a text, or an object or list as JSON)</span></label>
      <textarea id=${`${id}-answer`} rows="3" required value=${text} onInput=${(event) => setText(event.currentTarget.value)}></textarea>
      <div class="actions"><button type="submit" class="button primary" disabled=${busy}>Answer</button></div>
    </form>
  `;
}
