// A form that creates a task, made of the JSON Schema of its kind.
import { html, useEffect, useMemo, useState } from '../ui.js';
import { get, post, taskPath } from '../api.js';
import { toast } from '../parts/toast.js';
import { Command, curl } from '../parts/command.js';
import { Failure } from '../parts/empty.js';
import { onState } from '../live.js';
import { currentSession, useMay } from '../session.js';
import { currentRoute, go, taskLink } from '../route.js';
import { common, COMMON_FIRST, COMMON_NAMES } from './new/common.js';
import { Fields, idOf } from './new/field.js';
import { editable, filled, Raw, unreadable } from './new/schema.js';

const PATH = 'api/v1/tasks';

// What was filled in, for whoever must log in again or looks something up before it is sent.
let draft = null;
const isDraft = (hash, kinds) =>
  draft?.hash === hash && draft.name === currentSession().name && kinds.some(({ name }) => name === draft.kind);

/** The page; the query names the `kind` to begin with, or the task `from` whose input is filled in. */
export default function New({ query }) {
  const from = query.get('from');
  const allowed = useMay('write');
  const [kinds, setKinds] = useState(null);
  const [kind, setKind] = useState(query.get('kind') ?? 'prompt');
  const [payload, setPayload] = useState({});
  const [fields, setFields] = useState({});
  const [problems, setProblems] = useState({});
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState(null);
  const [hash] = useState(() => currentRoute().hash);
  const begin = ({ kinds, task }) => {
    setFailure(null);
    setKinds(kinds);
    const start = isDraft(hash, kinds) ? draft : started(kinds, task, kind);
    setKind(start.kind);
    setPayload(start.payload);
    setFields(start.fields);
  };
  const read = () => load(from).then(begin, setFailure);
  useEffect(() => {
    read();
  }, [from]);
  useEffect(() => failure && onState(({ phase }) => phase === 'live' && read()), [failure]);
  useEffect(() => {
    if (kinds) draft = { hash, name: currentSession().name, kind, payload, fields };
  }, [kinds, kind, payload, fields]);
  const spec = kinds?.find(({ name }) => name === kind);
  const schema = spec?.schema ?? {};
  const shared = useMemo(() => common(schema), [schema]);
  if (failure) return html`<h1>New task</h1><${Failure} error=${failure} onRetry=${read} />`;
  if (!kinds) return html`<p class="quiet" role="status">Loading…</p>`;
  const body = bodyOf(kind, payload, fields, shared);
  const create = async (event) => {
    event.preventDefault();
    const broken = unreadable(payload, 'payload') ?? unreadable(fields, '');
    if (broken) return tell({ field: broken.path, message: broken.problem });
    setBusy(true);
    try {
      const made = await post(PATH, body);
      draft = null;
      toast(made.created ? 'Created' : 'It was there already');
      go(taskLink(made.id));
    } catch (error) {
      tell({ field: error.field, message: error.message });
    }
    setBusy(false);
  };
  const tell = ({ field, message }) => {
    const path = shownAt(field);
    setProblems(path ? { [path]: message } : { '': message });
    // Once it is drawn the reader is brought there.
    if (path) setTimeout(() => document.getElementById(idOf(path))?.focus(), 50);
  };
  const form = { root: schema, problems };
  return html`<article class="new">
    <h1>New task</h1>
    <form onSubmit=${create} novalidate>
      <${Kind} ...${{ kinds, spec, kind }} set=${(next) => {
        setKind(next);
        setPayload({});
        setProblems({});
      }} />
      <section class="card" aria-labelledby="what-title">
        <h2 id="what-title">What it does</h2>
        <${Payload} ...${{ schema, payload, setPayload, form }} />
      </section>
      <section class="card" aria-labelledby="how-title">
        <h2 id="how-title">How it runs</h2>
        <${Fields} path="" schema=${shared} value=${fields} set=${setFields} form=${form} fold=${true} shown=${COMMON_FIRST} />
      </section>
      ${problems[''] && html`<p class="notice bad" role="alert">${problems['']}</p>`}
      ${!allowed && html`<p class="notice wait">Your token may only look: to create a task needs the scope write.</p>`}
      <div class="actions"><button type="submit" class="button primary" disabled=${busy || !allowed}>Create task</button></div>
    </form>
    <section class="card" aria-labelledby="curl-title">
      <h2 id="curl-title">The same from a shell</h2>
      <${Command} text=${curl(PATH, body)} />
    </section>
  </article>`;
}

/** What the form begins with: the input of `task`, or nothing for a kind that there is. */
function started(kinds, task, kind) {
  if (!task) return { kind: kinds.some(({ name }) => name === kind) ? kind : kinds[0]?.name, payload: {}, fields: {} };
  const schema = kinds.find(({ name }) => name === task.kind)?.schema;
  const named = COMMON_NAMES.filter((name) => name in task && name !== 'unique_key').map((name) => [name, task[name]]);
  return {
    kind: task.kind,
    payload: schema?.properties
      ? editable('payload', schema, task.payload, schema)
      : new Raw(JSON.stringify(task.payload, null, 2)),
    fields: Object.fromEntries(named),
  };
}

async function load(from) {
  const [{ kinds }, task] = await Promise.all([get('api/v1/kinds'), from ? get(taskPath(from)) : null]);
  return { kinds, task };
}

function bodyOf(kind, payload, fields, shared) {
  // What is not JSON yet is no part of the line that can be copied.
  const safe = (value) => {
    try {
      return filled(value);
    } catch {
      return undefined;
    }
  };
  const known = Object.entries(fields).filter(([name]) => name in shared.properties);
  const common = known.map(([name, value]) => [name, safe(value)]).filter(([, value]) => value !== undefined);
  return { kind, payload: safe(payload) ?? {}, ...Object.fromEntries(common) };
}

/** The field of the form that the server's `field` is about: itself, or the one around it. */
function shownAt(field) {
  if (!field) return null;
  for (let path = field; path; path = path.replace(/(\.?[^.[\]]+|\[\d+\])$/, '')) {
    if (document.getElementById(idOf(path))) return path;
    const inner = `payload.${path}`;
    if (document.getElementById(idOf(inner))) return inner;
  }
  return null;
}

function Kind({ kinds, spec, kind, set }) {
  return html`<section class="card">
    <div class="field">
      <label for="field-kind">Kind</label>
      <select id="field-kind" value=${kind} onChange=${(event) => set(event.currentTarget.value)}>
        ${kinds.map((one) => html`<option key=${one.name} value=${one.name}>${one.name}${one.available === false ? ' (cannot run here)' : ''}</option>`)}
      </select>
      ${spec?.description && html`<p class="hint">${spec.description}</p>`}
    </div>
    ${
      spec?.available === false &&
      html`<p class="notice wait">It cannot run here: ${spec.reason} ${spec.remedy ?? ''} A task of it is taken if it is manual, or told to wait for an executor.</p>`
    }
  </section>`;
}

function Payload({ schema, payload, setPayload, form }) {
  if (schema.properties && !(payload instanceof Raw)) {
    return html`<${Fields} path="payload" schema=${schema} value=${payload} set=${setPayload} form=${form} fold=${true} />`;
  }
  const text = payload instanceof Raw ? payload.text : '';
  const problem = form.problems.payload ?? (payload instanceof Raw ? payload.problem() : null);
  return html`<div class="field">
    <label for=${idOf('payload')}>payload <span class="quiet">(JSON)</span></label>
    <textarea id=${idOf('payload')} class="code" rows="8" spellcheck=${false} placeholder="{}" value=${text} onInput=${(event) => setPayload(new Raw(event.currentTarget.value))}></textarea>
    ${problem && html`<p class="wrong" role="alert">${problem}</p>`}
  </div>`;
}
