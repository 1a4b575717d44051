// Keeps what is known of one task up to date: the task itself, its result, and what happens to it.
import { useCallback, useEffect, useState } from '../../ui.js';
import { get, taskPath } from '../../api.js';
import { follow } from '../../stream.js';
import { share } from '../../share.js';

const PAGE = 500;
// Events that are kept: an agent may say thousands of things.
const KEPT = 5000;
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
  const load = useCallback(async () => {
    try {
      const task = await get(taskPath(id));
      const result = isFinished(task) ? await get(taskPath(id, 'result')) : null;
      setState((before) => share(before, { task, result }));
    } catch (problem) {
      setState((before) => ({ ...before, problem }));
    }
  }, [id]);
  useEffect(() => {
    load();
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
  useEffect(() => {
    if (finished === null) return undefined;
    if (finished) {
      let wanted = true;
      history(id).then((events) => wanted && setShown({ events, streamed: '' }), () => {});
      return () => {
        wanted = false;
      };
    }
    const gathered = gather(setShown);
    let lookTimer = 0;
    const lookSoon = () => {
      lookTimer ||= setTimeout(() => {
        lookTimer = 0;
        look();
      }, LOOK_MS);
    };
    // The stream first and then what was before it, so that nothing is missed between them.
    const begin = () => {
      lookSoon();
      history(id).then(gathered.begin, () => {});
    };
    const stop = follow('api/v1/events', { task: id, deltas: true }, {
      open: begin,
      gap: begin,
      task: (event) => {
        gathered.add(event);
        if (event.event !== 'output') lookSoon();
      },
      delta: ({ text }) => gathered.stream(text),
    });
    return () => {
      stop();
      clearTimeout(lookTimer);
      gathered.stop();
    };
  }, [id, finished]);
  return shown;
}

/** Collects what comes and draws it from time to time. */
function gather(draw) {
  let events = [];
  let streamed = '';
  let timer = 0;
  const soon = () => {
    timer ||= setTimeout(() => {
      timer = 0;
      draw({ events, streamed });
    }, DRAW_MS);
  };
  return {
    /** What is stored; of what came meanwhile, that which is not among it stays behind it. */
    begin(stored) {
      const known = new Set(stored.map(sameness));
      events = [...stored, ...events.filter((event) => !known.has(sameness(event)))].slice(-KEPT);
      soon();
    },
    add(event) {
      events = [...events, event].slice(-KEPT);
      // What was streamed is said in whole now, or the attempt is over.
      if (event.event !== 'progress') streamed = '';
      soon();
    },
    stream(text) {
      streamed = (streamed + text).slice(-DELTAS);
      soon();
    },
    stop: () => clearTimeout(timer),
  };
}

const sameness = ({ event, at, attempt, detail }) => JSON.stringify([event, at, attempt, detail]);

async function history(id) {
  const events = [];
  let after;
  do {
    const page = await get(taskPath(id, 'events'), { query: { limit: PAGE, after } });
    events.push(...page.events);
    after = page.next;
  } while (after);
  return events;
}
