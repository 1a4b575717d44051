// Keeps what is known of one task up to date: the task itself, its result, and what happens to it.
import { useCallback, useEffect, useRef, useState } from '../../ui.js';
import { get, taskPath } from '../../api.js';
import { onState } from '../../live.js';
import { follow } from '../../stream.js';
import { share } from '../../share.js';

const PAGE = 500;
// Events that are kept: an agent may say thousands of things.
const KEPT = 5000;
// They are let go in pieces, since what is drawn of them is made anew each time that the first ones go.
const PIECE = 500;
const DELTAS = 100_000;
// However much happens, the page is drawn so often at most, and the task is asked for so often.
const DRAW_MS = 100;
const LOOK_MS = 300;

const FINISHED = ['COMPLETED', 'FAILED', 'CANCELLED'];

/** Whether nothing will happen to a task any more. */
export const isFinished = (task) => FINISHED.includes(task.status);

/** `{task, result, events, streamed, problem, reload}` of the task `id`, as it is now. */
export function useTask(id) {
  const [state, setState] = useState({});
  // An answer that comes after a younger one, or after the reader has left, is not what is asked for any more.
  const asked = useRef(0);
  const failed = useRef(false);
  const load = useCallback(async () => {
    asked.current += 1;
    const own = asked.current;
    const show = (next) => own === asked.current && setState(next);
    try {
      const task = await get(taskPath(id));
      const result = isFinished(task) ? await get(taskPath(id, 'result')) : null;
      failed.current = false;
      show((before) => share(before, { task, result }));
    } catch (problem) {
      failed.current = true;
      show((before) => (problem.status === 404 ? { problem } : { ...before, problem }));
    }
  }, [id]);
  useEffect(() => {
    load();
    const off = onState(({ phase }) => phase === 'live' && failed.current && load());
    return () => {
      off();
      asked.current = Infinity;
    };
  }, [load]);
  const live = useEvents(id, state.task ? isFinished(state.task) : null, load);
  return { ...state, ...live, reload: load };
}

/** Before anything is known of its past. */
const NOTHING = { events: null, streamed: '' };

/**
 * What happened to a task, and what it is saying right now. `finished` is null where that is not known yet; `look` is
 * called when the task itself may have changed.
 */
function useEvents(id, finished, look) {
  const [shown, setShown] = useState(NOTHING);
  const gathered = useRef(null);
  gathered.current ??= gather(setShown);
  useEffect(() => {
    if (finished === null) return undefined;
    const { begin, add, stream, stop } = gathered.current;
    let wanted = true;
    const read = () => history(id).then((events) => wanted && begin(events), () => {});
    const unwanted = () => {
      wanted = false;
      stop();
    };
    if (finished) {
      // Whatever it was still writing is part of what it answered.
      stream(null);
      read();
      const off = onState(({ phase }) => phase === 'live' && !gathered.current.begun() && read());
      return () => {
        off();
        unwanted();
      };
    }
    let lookTimer = 0;
    const lookSoon = () => {
      lookTimer ||= setTimeout(() => {
        lookTimer = 0;
        look();
      }, LOOK_MS);
    };
    // The stream first and then what was before it, so that nothing is missed between them.
    const opened = (goesOn) => {
      lookSoon();
      if (!goesOn || !gathered.current.begun()) read();
    };
    const end = follow('api/v1/events', { task: id, deltas: true }, {
      open: opened,
      gap: () => opened(false),
      task: (event) => {
        add(event);
        if (event.event !== 'output') lookSoon();
      },
      delta: ({ text }) => stream(text),
    });
    return () => {
      end();
      clearTimeout(lookTimer);
      unwanted();
    };
  }, [id, finished]);
  return shown;
}

/** Collects what comes and draws it from time to time. Each event has a `key` that stays, however often it is read. */
function gather(draw) {
  let events = [];
  let streamed = '';
  let timer = 0;
  let next = 0;
  let isBegun = false;
  const keyed = (event) => ({ ...event, key: next++ });
  const soon = () => {
    timer ||= setTimeout(() => {
      timer = 0;
      draw({ events, streamed });
    }, DRAW_MS);
  };
  return {
    begun: () => isBegun,
    /** What is stored; of what came meanwhile, that which is not among it stays behind it. */
    begin(stored) {
      isBegun = true;
      const known = new Map(events.map((event) => [sameness(event), event]));
      const before = stored.map((event) => {
        const same = sameness(event);
        const old = known.get(same);
        known.delete(same);
        return old ?? keyed(event);
      });
      events = [...before, ...known.values()].slice(-KEPT);
      soon();
    },
    add(event) {
      events = [...(events.length < KEPT + PIECE ? events : events.slice(-KEPT)), keyed(event)];
      // What was streamed is said in whole now, or the attempt is over.
      if (event.event !== 'progress') streamed = '';
      soon();
    },
    /** More of the text that is being written, or null where it is over. */
    stream(text) {
      streamed = text === null ? '' : (streamed + text).slice(-DELTAS);
      soon();
    },
    stop() {
      clearTimeout(timer);
      timer = 0;
    },
  };
}

const sameness = ({ event, at, attempt, detail }) => JSON.stringify([event, at, attempt, detail]);

/** The latest events that are stored, oldest first. */
async function history(id) {
  let events = [];
  let after;
  do {
    const page = await get(taskPath(id, 'events'), { query: { limit: PAGE, after } });
    events = [...events, ...page.events].slice(-KEPT);
    after = page.next;
  } while (after);
  return events;
}
