// What the reference shows of an OpenAPI document. No page in here, so that it can be read and tried alone.

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/** The groups of `document`, in the order of its tags: `{name, description, operations}`. */
export function groups(document) {
  const found = new Map((document.tags ?? []).map((tag) => [tag.name, { ...tag, operations: [] }]));
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const method of METHODS) {
      const operation = item[method];
      if (!operation) continue;
      const name = operation.tags?.[0] ?? 'Other';
      if (!found.has(name)) found.set(name, { name, operations: [] });
      const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map((one) =>
        resolve(one, document),
      );
      found
        .get(name)
        .operations.push({ ...operation, id: operation.operationId ?? `${method} ${path}`, method, path, parameters });
    }
  }
  return [...found.values()].filter((group) => group.operations.length > 0);
}

/** The groups with the operations that have every word of `text`. */
export function matching(all, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const says = ({ id, method, path, summary, description, tags }) =>
    [id, method, path, summary, description, ...(tags ?? [])].join(' ').toLowerCase();
  const fits = (operation) => words.every((word) => says(operation).includes(word));
  return all
    .map((group) => ({ ...group, operations: group.operations.filter(fits) }))
    .filter((group) => group.operations.length > 0);
}

/** What a reference such as `#/components/schemas/Task` points to, or the value itself. */
export function resolve(value, document) {
  const reference = value?.$ref;
  if (typeof reference !== 'string' || !reference.startsWith('#/')) return value ?? {};
  const parts = reference.slice(2).split('/');
  return parts.reduce((found, part) => found?.[part.replaceAll('~1', '/').replaceAll('~0', '~')], document) ?? {};
}

/** The name that a reference gives, such as `Task`. */
export const nameOf = (schema) => schema?.$ref?.split('/').at(-1);

/** The schema and the media type of a body or an answer. */
export function content(part) {
  const [type, media] = Object.entries(part?.content ?? {})[0] ?? [];
  return (
    type && { type, schema: media.schema, example: media.example ?? Object.values(media.examples ?? {})[0]?.value }
  );
}

/** A type in a few words, such as `list of Task` or `text or null`. */
export function typeOf(schema, document) {
  if (!schema || typeof schema === 'boolean') return 'anything';
  const named = nameOf(schema);
  if (named) return named;
  if ('const' in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(' or ');
  const several = schema.anyOf ?? schema.oneOf;
  if (several) return several.map((one) => typeOf(one, document)).join(' or ');
  if (schema.allOf) return schema.allOf.map((one) => typeOf(one, document)).join(' and ');
  const types = [schema.type].flat().filter(Boolean);
  const words = types.map((type) => (type === 'array' ? `list of ${typeOf(schema.items, document)}` : type));
  return `${words.join(' or ') || 'anything'}${schema.format ? ` (${schema.format})` : ''}`;
}

/** What a schema bounds a value to, in words. */
export function bounds(schema) {
  const names = {
    minimum: 'at least',
    maximum: 'at most',
    exclusiveMinimum: 'over',
    exclusiveMaximum: 'under',
    minLength: 'characters at least',
    maxLength: 'characters at most',
    minItems: 'items at least',
    maxItems: 'items at most',
  };
  const found = Object.entries(names)
    .filter(([key]) => schema?.[key] !== undefined)
    .map(([key, words]) => `${words} ${schema[key]}`);
  if (schema?.default !== undefined) found.push(`default ${JSON.stringify(schema.default)}`);
  return found.join(', ');
}

const SAMPLES = { string: 'text', integer: 1, number: 1, boolean: true };

/** A value of the form of `schema`: its own example, else one with what it requires. */
export function sample(schema, document, depth = 0) {
  const found = resolve(schema, document);
  if (found.example !== undefined) return found.example;
  if (found.examples?.length) return found.examples[0];
  if (found.default !== undefined) return found.default;
  if ('const' in found) return found.const;
  if (found.enum) return found.enum[0];
  if (depth > 4) return {};
  const several = found.anyOf ?? found.oneOf ?? found.allOf;
  if (several) return sample(several[0], document, depth + 1);
  const type = [found.type].flat().find((one) => one !== 'null');
  if (type === 'array') return [sample(found.items, document, depth + 1)];
  if (type !== 'object') return SAMPLES[type] ?? {};
  const names = found.required ?? [];
  return Object.fromEntries(names.map((name) => [name, sample(found.properties?.[name], document, depth + 1)]));
}

/** A line for a shell that does `operation`. Where a token is needed it comes from the environment. */
export function curl(operation, document, origin) {
  const address = operation.path.replaceAll(/\{\*?([^}]+)\}/g, (_, name) => name.toUpperCase());
  const needed = operation.parameters.filter((one) => one.in === 'query' && one.required);
  const query = needed
    .map((one) => `${one.name}=${encodeURIComponent(one.example ?? one.name.toUpperCase())}`)
    .join('&');
  const lines = [
    `curl -sS ${operation.method === 'get' ? '' : `-X ${operation.method.toUpperCase()} `}'${origin}${address}${query && `?${query}`}'`,
  ];
  const security = operation.security ?? document.security ?? [];
  if (security.some((one) => Object.keys(one).length > 0)) lines.push(`-H "authorization: Bearer $MCS_TOKEN"`);
  const body = content(resolve(operation.requestBody, document));
  if (body?.type === 'application/json') {
    const value = body.example ?? sample(body.schema, document);
    lines.push(
      `-H 'content-type: application/json'`,
      `-d '${JSON.stringify(value).replaceAll("'", String.raw`'\''`)}'`,
    );
  }
  return lines.join(' \\\n  ');
}
