// A JSON Schema as a list of fields; what lies deeper is made when it is opened.
import { html, useState } from '../ui.js';
import { bounds, nameOf, resolve, typeOf } from './document.js';
import { Words } from './words.js';

/** The fields of `schema`, or what it is where it has none. */
export function Schema({ schema, document }) {
  const whole = resolve(schema, document);
  const several = whole.anyOf ?? whole.oneOf;
  if (several) {
    return html`<p class="quiet">One of:</p>
      <ul class="variants">${several.map((one, index) => html`<li key=${index}><${Inner} schema=${one} document=${document} /></li>`)}</ul>`;
  }
  if ([whole.type].flat().includes('array') && whole.items) {
    return html`<p class="quiet">A list of:</p><${Inner} schema=${whole.items} document=${document} />`;
  }
  const properties = Object.entries(whole.properties ?? {});
  if (!properties.length) {
    return html`<p><code class="type">${typeOf(whole, document)}</code> <${Words} text=${whole.description} /></p>`;
  }
  const needed = new Set(whole.required ?? []);
  return html`<ul class="fields">
    ${properties.map(([name, inner]) => html`<${Property} key=${name} name=${name} schema=${inner} needed=${needed.has(name)} document=${document} />`)}
  </ul>`;
}

function Property({ name, schema, needed, document }) {
  const whole = resolve(schema, document);
  const bound = bounds(whole);
  return html`<li>
    <p><code class="name">${name}</code> <code class="type">${typeOf(schema, document)}</code>
      ${needed && html` <span class="tag wait">required</span>`} ${bound && html`<span class="quiet">${bound}</span>`}</p>
    <${Words} text=${schema.description ?? whole.description} />
    ${hasFields(schema, document) && html`<${Inner} schema=${schema} document=${document} />`}
  </li>`;
}

// A schema may contain itself, so that nothing is drawn before somebody looks at it.
function Inner({ schema, document }) {
  const [open, setOpen] = useState(false);
  if (!hasFields(schema, document))
    return html`<p><code class="type">${typeOf(schema, document)}</code> <${Words} text=${resolve(schema, document).description} /></p>`;
  return html`<details onToggle=${(event) => setOpen(event.currentTarget.open)}>
    <summary>Fields of <code>${nameOf(schema) ?? nameOf(schema.items) ?? typeOf(schema, document)}</code></summary>
    ${open && html`<${Schema} schema=${schema} document=${document} />`}
  </details>`;
}

function hasFields(schema, document) {
  const whole = resolve(schema, document);
  if (whole.properties && Object.keys(whole.properties).length) return true;
  const inner = [whole.items, ...(whole.anyOf ?? []), ...(whole.oneOf ?? [])].filter(
    (one) => one && typeof one === 'object',
  );
  return inner.some((one) => one.$ref || hasFields(one, document));
}
