// One field of a form, by its schema; fields within fields by themselves.
import { html, useLayoutEffect, useState } from '../../ui.js';
import { label, Raw, resolve, shape } from './schema.js';

/** The id of the element in which `path` is typed, so that an error can bring the reader there. */
export const idOf = (path) => `field-${path.replaceAll(/[^\w-]/g, '_')}`;

/**
 * A field. `form` is the same for all of a form: `{root, problems}`, the schema that references point into and what the
 * server says of fields by their paths. `inner` is one that is within another of the same path.
 */
export function Field({ name, path, schema, value, set, required, form, inner }) {
  const found = resolve(schema, form.root);
  const how = value instanceof Raw ? { kind: 'json' } : shape(name, found);
  if (how.kind === 'object') return html`<${Group} ...${{ name, path, schema: found, value, set, required, form, inner }} />`;
  const id = idWithin(path, inner);
  const problem = form.problems[path];
  const described = [found.description && `${id}-help`, problem && `${id}-problem`].filter(Boolean).join(' ');
  const control = { id, name, path, schema: found, how, value, set, required, form, described, problem };
  return html`<div class="field">
    <label for=${id}>${words(name)}${required ? html` <span class="required" title="required">*</span>` : ''}</label>
    <${Control} ...${control} />
    ${found.description && html`<p class="hint" id=${`${id}-help`}>${found.description}</p>`}
    ${problem && html`<p class="wrong" id=${`${id}-problem`} role="alert">${problem}</p>`}
  </div>`;
}

const idWithin = (path, inner) => (inner ? `${idOf(path)}-value` : idOf(path));

const words = (name) => String(name).replaceAll('_', ' ');

function Control(props) {
  switch (props.how.kind) {
    case 'enum':
      return html`<${Choose} ...${props} options=${props.how.options} />`;
    case 'boolean':
      return html`<${Choose} ...${props} options=${[true, false]} names=${{ true: 'yes', false: 'no' }} />`;
    case 'integer':
    case 'number':
      return html`<${Number_} ...${props} />`;
    case 'scalar':
      return html`<${Line} ...${props} read=${numberOrText} />`;
    case 'long':
      return html`<${Long} ...${props} />`;
    case 'list':
      return html`<${List} ...${props} />`;
    case 'choice':
      return html`<${Choice} ...${props} />`;
    case 'json':
      return html`<${Json} ...${props} />`;
    default:
      return html`<${Line} ...${props} />`;
  }
}

const aria = ({ id, described, problem, required }) => ({
  id,
  'aria-describedby': described || undefined,
  'aria-invalid': problem ? 'true' : undefined,
  'aria-required': required ? 'true' : undefined,
});

function Choose({ options, names = {}, value, set, ...props }) {
  const chosen = options.findIndex((option) => option === value);
  const empty = props.schema.default === undefined ? 'not set' : `not set (${props.schema.default})`;
  return html`<select ...${aria(props)} value=${String(chosen)} onChange=${(event) => set(options[Number(event.currentTarget.value)])}>
    <option value="-1">${empty}</option>
    ${options.map((option, index) => html`<option key=${index} value=${String(index)}>${names[option] ?? String(option)}</option>`)}
  </select>`;
}

/** What somebody types on the way to a number, such as `0.`, is none yet. Whether it becomes one, the service says. */
const numberOrText = (text) => (text.trim() && Number.isFinite(Number(text)) ? Number(text) : text.trim());

// A field of the browser for numbers would lose what is not yet one, and takes a decimal comma in some languages only.
function Number_({ how, ...props }) {
  const signed = !(props.schema.minimum >= 0);
  const keys = signed ? 'text' : how.kind === 'integer' ? 'numeric' : 'decimal';
  return html`<${Line} ...${props} read=${numberOrText} keys=${keys} />
    ${typeof props.value === 'string' && props.value && html`<p class="wrong">This is no number.</p>`}`;
}

function Line({ schema, value, set, read = (text) => text, keys, ...props }) {
  const [typed, setTyped] = useState('');
  // The text stays as it was typed, for as long as it stands for the value.
  const shown = typed !== '' && read(typed) === value ? typed : value ?? '';
  const type = ({ currentTarget }) => {
    setTyped(currentTarget.value);
    set(read(currentTarget.value));
  };
  return html`<input ...${aria(props)} class="input" type="text" inputmode=${keys} autocomplete="off" spellcheck=${false} placeholder=${schema.default} value=${shown} onInput=${type} />`;
}

function Long({ value, set, name, ...props }) {
  const rows = name === 'prompt' ? 5 : 2;
  return html`<textarea ...${aria(props)} rows=${rows} value=${value ?? ''} onInput=${(event) => set(event.currentTarget.value)}></textarea>`;
}

function Json({ how, value, set, ...props }) {
  const text = value instanceof Raw ? value.text : value === undefined ? '' : JSON.stringify(value, null, 2);
  const raw = new Raw(text);
  const problem = raw.problem();
  return html`<textarea ...${aria({ ...props, problem: problem ?? props.problem })} class="code" rows="3" spellcheck=${false} placeholder=${how.example ?? 'JSON'} value=${text}
      onInput=${(event) => set(new Raw(event.currentTarget.value))}></textarea>
    ${problem && html`<p class="wrong">${problem}</p>`}`;
}

function List({ schema, path, form, value, set, ...props }) {
  const items = Array.isArray(value) ? value : [];
  const item = schema.items ?? {};
  const change = (index, inner) => set(items.map((old, at) => (at === index ? inner : old)));
  const add = () => set([...items, shape('', item).kind === 'object' ? {} : '']);
  return html`<div class="list" id=${props.id} role="group" aria-describedby=${props.described || undefined} tabindex="-1">
    ${items.map(
      (inner, index) => html`<div key=${index} class="list-item">
        <${Field} name=${`${props.name} ${index + 1}`} path=${`${path}[${index}]`} schema=${{ ...item, description: undefined }} value=${inner} set=${(one) => change(index, one)} form=${form} />
        <button type="button" class="button small" aria-label=${`Remove ${words(props.name)} ${index + 1}`} onClick=${() => set(items.filter((_, at) => at !== index))}>×</button>
      </div>`,
    )}
    <button type="button" class="button small" onClick=${add}>Add to ${words(props.name)}</button>
  </div>`;
}

// Alternatives that a form has are asked for as such; the last one is always JSON.
function Choice({ how, value, set, ...props }) {
  const simple = how.schemas.filter((schema) => shape(props.name, resolve(schema, props.form.root)).kind !== 'json');
  const [chosen, setChosen] = useState('none');
  const choose = (next) => {
    setChosen(next);
    set(next === 'json' ? new Raw('') : undefined);
  };
  const inner = simple[Number(chosen)];
  return html`<select ...${aria(props)} value=${chosen} onChange=${(event) => choose(event.currentTarget.value)}>
      <option value="none">not set</option>
      ${simple.map((schema, index) => html`<option key=${index} value=${String(index)}>${label(schema)}</option>`)}
      <option value="json">JSON</option>
    </select>
    ${inner && html`<${Field} name=${label(inner)} path=${`${props.path}`} schema=${{ ...inner, anyOf: inner.anyOf }} value=${value} set=${set} form=${{ ...props.form, problems: {} }} inner=${true} />`}`;
}

function Group({ name, path, schema, value, set, required, form, inner }) {
  return html`<fieldset class="group" id=${idWithin(path, inner)} tabindex="-1">
    <legend>${words(name)}${required ? ' *' : ''}</legend>
    ${schema.description && html`<p class="hint">${schema.description}</p>`}
    ${form.problems[path] && html`<p class="wrong" role="alert">${form.problems[path]}</p>`}
    <${Fields} ...${{ path, schema, value, set, form }} />
  </fieldset>`;
}

/** The fields of an object: those that it needs first, and with `fold` the others below it, but for the names in `shown`. */
export function Fields({ path, schema, value, set, form, fold, shown = [] }) {
  const current = value && typeof value === 'object' ? value : {};
  const needed = new Set(schema.required ?? []);
  const early = new Set([...needed, ...shown]);
  const names = Object.keys(schema.properties ?? {});
  const first = names.filter((name) => early.has(name));
  const rest = names.filter((name) => !early.has(name));
  const at = (name) => (path ? `${path}.${name}` : name);
  const one = (name) => html`<${Field} key=${name} name=${name} path=${at(name)} schema=${schema.properties[name]}
    value=${current[name]} set=${(inner) => set({ ...current, [name]: inner })} required=${needed.has(name)} form=${form} />`;
  const open = rest.some(
    (name) => current[name] !== undefined || Object.keys(form.problems).some((problem) => problem.startsWith(at(name))),
  );
  if (!fold || rest.length < 4) return html`<div class="fields-grid">${first.map(one)}${rest.map(one)}</div>`;
  return html`<div class="fields-grid">${first.map(one)}</div>
    <${Fold} needed=${open} title=${`${rest.length} more fields`}><div class="fields-grid">${rest.map(one)}</div><//>`;
}

/** It opens for what is in it, and closes only by hand. */
function Fold({ needed, title, children }) {
  const [open, setOpen] = useState(needed);
  useLayoutEffect(() => {
    if (needed) setOpen(true);
  }, [needed]);
  return html`<details class="fold" open=${open} onToggle=${(event) => setOpen(event.currentTarget.open)}><summary>${title}</summary>${children}</details>`;
}
