// Turns the `output` events of an agent into what a reader follows: messages, and tool calls with what came of them.

/** The items of a conversation, in order. A result is put into the call it answers; what a subagent did is below its call. */
export function conversation(events) {
  const top = [];
  const calls = new Map();
  for (const { event, detail, at, attempt } of events) {
    if (event === 'started' && attempt > 1) {
      top.push({ type: 'attempt', attempt, at });
      continue;
    }
    if (event !== 'output' || !detail) continue;
    if (detail.type === 'tool_result' && calls.has(detail.id)) {
      calls.get(detail.id).result = detail;
      continue;
    }
    const item = { ...detail, at, inner: [] };
    if (item.type === 'tool_call') calls.set(item.id, item);
    (calls.get(detail.parent)?.inner ?? top).push(item);
  }
  return top;
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
