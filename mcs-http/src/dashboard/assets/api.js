// The public HTTP API, and nothing else: whatever this page does, any program can do.

/** Where the service is mounted: two steps above `assets/<version>/`. */
export const root = new URL('../../', import.meta.url);

/** What went wrong, as the service says it (application/problem+json), or as the network does (status 0). */
export class Problem extends Error {
  /** @param {{status: number, type?: string, title?: string, detail?: string, field?: string}} body */
  constructor(body, retryAfter) {
    super(body.detail || body.title || `the service answered ${body.status}`);
    this.name = 'Problem';
    this.status = body.status;
    this.type = body.type;
    this.field = body.field;
    this.retryAfter = retryAfter;
  }

  /** The service could not be asked at all. */
  get isAway() {
    return this.status === 0;
  }
}

const refused = new Set();

/** Calls `listener` when the service wants to know who is asking. Returns how to stop that. */
export function onUnauthorized(listener) {
  refused.add(listener);
  return () => refused.delete(listener);
}

/** The address of a path such as `api/v1/tasks`, with a query of what is neither missing nor empty. */
export function address(path, query = {}) {
  const url = new URL(path.replace(/^\//, ''), root);
  for (const [name, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== undefined && each !== null && each !== '') url.searchParams.append(name, each);
    }
  }
  return url;
}

/**
 * Asks the service. Gives the parsed answer, or null where there is none; throws a Problem.
 * @param {string} method
 * @param {string} path such as `api/v1/tasks`
 * @param {{query?: object, body?: unknown, headers?: object, signal?: AbortSignal}} [options]
 */
export async function request(method, path, { query, body, headers = {}, signal } = {}) {
  const init = { method, signal, headers: { accept: 'application/json', ...headers }, credentials: 'same-origin' };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers['content-type'] = 'application/json';
  }
  return parsed(await answered(address(path, query), init));
}

/**
 * Finds out why a stream was refused, which an EventSource does not say: throws the Problem. A stream that would be given
 * is ended without being read.
 */
export async function wouldStream(url) {
  const abort = new AbortController();
  await answered(url, { headers: { accept: 'text/event-stream' }, credentials: 'same-origin', signal: abort.signal });
  abort.abort();
}

async function answered(url, init) {
  let response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Problem({ status: 0, detail: 'The service cannot be reached.' });
  }
  if (response.ok) return response;
  const answer = await parsed(response);
  if (response.status === 401) refused.forEach((listener) => listener());
  const retryAfter = Number(response.headers.get('retry-after')) || undefined;
  throw new Problem({ ...answer, status: response.status }, retryAfter);
}

export const get = (path, options) => request('GET', path, options);
export const post = (path, body, options) => request('POST', path, { ...options, body });
export const patch = (path, body, options) => request('PATCH', path, { ...options, body });
export const remove = (path, options) => request('DELETE', path, options);

/** The path of a task, of which ids are the only part that is not known beforehand. */
export const taskPath = (id, rest = '') => `api/v1/tasks/${encodeURIComponent(id)}${rest && `/${rest}`}`;

async function parsed(response) {
  const text = await response.text();
  if (!text) return null;
  try {
    return JSON.parse(text);
  } catch {
    // A proxy's page of an error, for example.
    return response.ok ? text : null;
  }
}
