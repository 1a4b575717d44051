// Turns the `output` events of an agent into what a reader follows: messages, and tool calls with what came of them.

/**
 * Reads the events of a conversation as they come. `items(events)` are the items up to now, in order: a result is put into
 * the call it answers; what a subagent did is below its call. An item that changes has another `version`, so that the others
 * need not be drawn again, and only events that are new are looked at.
 */
export function reader() {
  let read = [];
  let top = [];
  let calls = new Map();
  const append = (event) => {
    const item = itemOf(event);
    if (!item) return;
    const call = item.type === 'tool_result' && calls.get(item.id);
    if (call) {
      call.result = item;
      touched(call, calls);
      return;
    }
    if (item.type === 'tool_call') calls.set(item.id, item);
    const parent = calls.get(item.parent);
    (parent?.inner ?? top).push(item);
    if (parent) touched(parent, calls);
  };
  return (events) => {
    const goesOn = read.length <= events.length && read[0] === events[0] && read.at(-1) === events[read.length - 1];
    if (!goesOn) {
      read = [];
      top = [];
      calls = new Map();
    }
    events.slice(read.length).forEach(append);
    read = events;
    return [...top];
  };
}

function itemOf({ key, event, detail, at, attempt }) {
  if (event === 'started' && attempt > 1) return { key, type: 'attempt', attempt, at, version: 0 };
  if (event !== 'output' || !detail) return null;
  return { ...detail, key, at, inner: [], version: 0 };
}

/** An item and all that it is within are to be drawn again. */
function touched(item, calls) {
  const seen = new Set();
  for (let one = item; one && !seen.has(one); one = calls.get(one.parent)) {
    seen.add(one);
    one.version += 1;
  }
}

/** One line that says what a tool is about to do, as the tools of Claude Code name it. */
export function about(input) {
  if (input === null || typeof input !== 'object') return '';
  for (const name of ['command', 'file_path', 'path', 'url', 'pattern', 'query', 'description', 'prompt']) {
    if (typeof input[name] === 'string') return input[name];
  }
  return typeof input.cut === 'string' ? input.cut.slice(0, 200) : '';
}

/** What the session cost up to now, by the last word of the program. */
export function lastCost(events) {
  return events.findLast((event) => event.event === 'output' && event.detail?.type === 'cost')?.detail ?? null;
}
