// Who is asking, and what they may do.
import { get, request } from './api.js';
import { useEffect, useState } from './ui.js';

/** @type {{name?: string, scopes: string[], access?: 'open'|'token'|'session'}} */
let session = { scopes: [] };
const listeners = new Set();

/** Asks the service who this is. Throws a Problem where that needs a login. */
export async function loadSession() {
  set(await get('api/v1/session'));
  return session;
}

/** Exchanges a token for a cookie that scripts cannot read. */
export async function logIn(token) {
  await request('POST', 'api/v1/session', { body: { token } });
  return loadSession();
}

export async function logOut() {
  await request('DELETE', 'api/v1/session');
  set({ scopes: [] });
}

/** Nobody is known any more: the service said so. */
export function forgetSession() {
  if (session.name) set({ scopes: [] });
}

export const currentSession = () => session;

/** Whether the caller has a scope. An admin has every one. */
export function may(scope) {
  return session.scopes.includes('admin') || session.scopes.includes(scope);
}

/** Calls `listener` with every new session. Returns how to stop that. */
export function onSession(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Whether the caller has a scope, followed as it changes. Before that is known nothing is forbidden. */
export function useMay(scope) {
  const [allowed, setAllowed] = useState(() => !session.access || may(scope));
  useEffect(() => {
    const look = () => setAllowed(!session.access || may(scope));
    look();
    return onSession(look);
  }, [scope]);
  return allowed;
}

function set(next) {
  session = { ...next, scopes: next?.scopes ?? [] };
  listeners.forEach((listener) => listener(session));
}
