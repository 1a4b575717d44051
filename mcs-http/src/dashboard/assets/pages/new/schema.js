// What a JSON Schema says of a field of a form. No page in here, so that it can be read and tried alone.

const LONG_TEXTS = /prompt|system|stdin|text|body|message|content|code|query/i;

/** The schema itself where it points to one inside `root`. */
export function resolve(schema, root) {
  const path = schema?.$ref;
  if (typeof path !== 'string' || !path.startsWith('#/')) return schema ?? {};
  let found = root;
  for (const part of path.slice(2).split('/')) found = found?.[part.replaceAll('~1', '/').replaceAll('~0', '~')];
  const { $ref: _, ...beside } = schema;
  return { ...found, ...beside };
}

/**
 * How a field is asked for: `enum`, `boolean`, `number`, `integer`, `text`, `long`, `scalar` (a text or a number), `list`,
 * `object`, `choice` (of `schemas`), or `json` for whatever a form cannot say better.
 */
export function shape(name, schema) {
  if (Array.isArray(schema.enum)) return { kind: 'enum', options: schema.enum.filter((option) => option !== null) };
  if ('const' in schema) return { kind: 'enum', options: [schema.const] };
  const several = schema.anyOf ?? schema.oneOf;
  if (several) {
    const schemas = several.filter((one) => one.type !== 'null');
    if (schemas.length === 1) return shape(name, { ...schema, anyOf: undefined, oneOf: undefined, ...schemas[0] });
    return { kind: 'choice', schemas };
  }
  const types = [schema.type].flat().filter((type) => type && type !== 'null');
  if (types.length === 0) return schema.properties ? { kind: 'object' } : { kind: 'json' };
  if (types.length > 1)
    return { kind: types.every((type) => ['string', 'number', 'integer'].includes(type)) ? 'scalar' : 'json' };
  const [type] = types;
  if (type === 'string') return { kind: LONG_TEXTS.test(name) ? 'long' : 'text' };
  if (type === 'object')
    return { kind: Object.keys(schema.properties ?? {}).length ? 'object' : 'json', example: '{}' };
  if (type === 'array')
    return schema.items && !Array.isArray(schema.items) ? { kind: 'list' } : { kind: 'json', example: '[]' };
  return { kind: type };
}

/** What a choice is called. */
export function label(schema) {
  if (schema.title) return schema.title;
  if (Array.isArray(schema.enum)) return schema.enum.filter((one) => one !== null).join(' or ');
  const types = [schema.type].flat().filter((type) => type && type !== 'null');
  const names = { boolean: 'yes or no', string: 'text', array: 'list', integer: 'whole number' };
  return types.map((type) => names[type] ?? type).join(' or ') || 'JSON';
}

/** The value without what was left empty, or `undefined` if nothing is left. */
export function filled(value) {
  if (value === undefined || value === null || value === '') return undefined;
  if (Array.isArray(value)) {
    const items = value.map(filled).filter((item) => item !== undefined);
    return items.length ? items : undefined;
  }
  if (typeof value === 'object' && !(value instanceof Raw)) {
    const entries = Object.entries(value).map(([name, inner]) => [name, filled(inner)]);
    const kept = entries.filter(([, inner]) => inner !== undefined);
    return kept.length ? Object.fromEntries(kept) : undefined;
  }
  return value instanceof Raw ? value.value() : value;
}

/** JSON as somebody types it, which may not be JSON yet. */
export class Raw {
  constructor(text) {
    this.text = text;
  }

  value() {
    return this.text.trim() ? JSON.parse(this.text) : undefined;
  }

  problem() {
    try {
      this.value();
      return null;
    } catch (error) {
      return `This is no JSON: ${error.message}`;
    }
  }
}

/** The first field with JSON that is none: `{path, problem}`. */
export function unreadable(value, path) {
  if (value instanceof Raw) {
    const problem = value.problem();
    return problem && { path, problem };
  }
  if (value === null || typeof value !== 'object') return null;
  for (const [name, inner] of Object.entries(value)) {
    const found = unreadable(inner, Array.isArray(value) ? `${path}[${name}]` : path ? `${path}.${name}` : name);
    if (found) return found;
  }
  return null;
}

/** A value that is there, as a form has it: what a field asks for as JSON is text. */
export function editable(name, schema, value, root) {
  const found = resolve(schema, root);
  const { kind } = shape(name, found);
  if (value === undefined || value === null) return undefined;
  if (kind === 'json' || kind === 'choice') return new Raw(JSON.stringify(value, null, 2));
  if (kind === 'object' && typeof value === 'object') {
    const inner = Object.entries(value).map(([key, one]) => [
      key,
      editable(key, found.properties?.[key] ?? {}, one, root),
    ]);
    return Object.fromEntries(inner);
  }
  return value;
}
