// One stream of events of the service, for as long as a view wants it and somebody looks at it.
import { address, wouldStream } from './api.js';
import { whileVisible } from './visible.js';

const FIRST_RETRY = 500;
const LAST_RETRY = 15_000;

/**
 * Follows the stream at `path`, and calls `handlers[name]` with the data of each event of that name, `handlers.open`
 * when it begins, with whether it goes on where it was, and `handlers.refused` with the Problem when the service will not
 * give it. It goes on behind the last event that came, however often it is interrupted. Returns how to stop.
 * @param {string} path
 * @param {object} query
 * @param {Object<string, (data: any) => void>} handlers
 */
export function follow(path, query, { open, refused, ...handlers }) {
  let source = null;
  let timer = 0;
  let wait = FIRST_RETRY;
  let last = query.after;
  let wanted = false;
  const url = () => address(path, { ...query, after: last });

  const close = () => {
    clearTimeout(timer);
    source?.close();
    source = null;
  };
  const again = (after) => {
    clearTimeout(timer);
    timer = setTimeout(connect, after);
  };
  const lost = async (ended) => {
    if (ended !== source) return;
    close();
    again(wait * (0.75 + Math.random() / 2));
    wait = Math.min(wait * 2, LAST_RETRY);
    try {
      await wouldStream(url());
    } catch (problem) {
      // Meanwhile it may be open again, or not wanted any more.
      if (!wanted || source || problem.isAway || problem.status >= 500) return;
      again(Math.max((problem.retryAfter ?? 0) * 1000, LAST_RETRY));
      refused?.(problem);
    }
  };
  const connect = () => {
    close();
    const stream = new EventSource(url());
    source = stream;
    stream.addEventListener('open', () => {
      wait = FIRST_RETRY;
      open?.(last !== query.after);
    });
    stream.addEventListener('error', () => lost(stream));
    for (const [name, handler] of Object.entries(handlers)) {
      stream.addEventListener(name, (event) => {
        if (stream !== source) return;
        last = event.lastEventId || last;
        handler(JSON.parse(event.data));
      });
    }
  };

  return whileVisible(
    () => {
      wanted = true;
      connect();
    },
    () => {
      wanted = false;
      close();
    },
  );
}
