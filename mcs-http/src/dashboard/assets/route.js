// Addresses of the page: `#/tasks?status=FAILED` has the parts ['tasks'] and a query.
import { useEffect, useState } from './ui.js';

/** @returns {{parts: string[], query: URLSearchParams, hash: string}} */
export function currentRoute() {
  const hash = location.hash || '#/';
  const [path, query = ''] = hash.slice(1).split('?');
  const parts = path.split('/').filter(Boolean).map(decoded);
  return { parts, query: new URLSearchParams(query), hash };
}

/** A part that is no encoded text stands for itself. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** An address to be used as `href`. */
export function link(path, query = {}) {
  const wanted = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '');
  const text = new URLSearchParams(wanted).toString();
  return `#/${path}${text && `?${text}`}`;
}

export const taskLink = (id) => link(`tasks/${encodeURIComponent(id)}`);

/** Goes to another address. With `replace` the way back leads past this one. */
export function go(href, { replace = false } = {}) {
  if (replace) {
    location.replace(href);
  } else {
    location.hash = href;
  }
}

/** The address now, and a new rendering when it changes. */
export function useRoute() {
  const [route, setRoute] = useState(currentRoute);
  useEffect(() => {
    const changed = () => setRoute(currentRoute());
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return route;
}
