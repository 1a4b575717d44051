// One stream of events of the service, for as long as a view wants it.
import { address } from './api.js';

const FIRST_RETRY = 500;
const LAST_RETRY = 15_000;
/** A page that nobody looks at gives its connections back: a browser has only six for a host. */
const HIDDEN_GRACE = 10_000;

/**
 * Follows the stream at `path`, and calls `handlers[name]` with the data of each event of that name, and `handlers.open`
 * when it begins. It goes on behind the last event that came, however often it is interrupted. Returns how to stop.
 * @param {string} path
 * @param {object} query
 * @param {Object<string, (data: any) => void>} handlers
 */
export function follow(path, query, { open, ...handlers }) {
  let source = null;
  let timer = 0;
  let hidden = 0;
  let wait = FIRST_RETRY;
  let last = query.after;

  const connect = () => {
    close();
    const stream = new EventSource(address(path, { ...query, after: last }));
    source = stream;
    stream.addEventListener('open', () => {
      wait = FIRST_RETRY;
      open?.();
    });
    stream.addEventListener('error', () => {
      if (stream !== source) return;
      close();
      timer = setTimeout(connect, wait * (0.75 + Math.random() / 2));
      wait = Math.min(wait * 2, LAST_RETRY);
    });
    for (const [name, handler] of Object.entries(handlers)) {
      stream.addEventListener(name, (event) => {
        if (stream !== source) return;
        last = event.lastEventId || last;
        handler(JSON.parse(event.data));
      });
    }
  };
  const close = () => {
    clearTimeout(timer);
    source?.close();
    source = null;
  };
  const seen = () => {
    clearTimeout(hidden);
    if (document.hidden) hidden = setTimeout(close, HIDDEN_GRACE);
    else if (!source) connect();
  };

  // A page that is left may be kept for the way back, and its streams with it.
  const back = (event) => event.persisted && connect();

  connect();
  document.addEventListener('visibilitychange', seen);
  addEventListener('pagehide', close);
  addEventListener('pageshow', back);
  return () => {
    document.removeEventListener('visibilitychange', seen);
    removeEventListener('pagehide', close);
    removeEventListener('pageshow', back);
    clearTimeout(hidden);
    close();
  };
}
