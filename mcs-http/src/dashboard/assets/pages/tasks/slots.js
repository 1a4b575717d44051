import { useRef } from '../../ui.js';

/**
 * Keys for rows, by their ids: a row that stays keeps its key, and a new one takes that of a row that left. Where a busy
 * service puts another fifty tasks into the list each second, the elements of the old rows are written anew, which is
 * several times as quick as making others.
 * @param {object[]} rows
 * @returns {Map<string, number>}
 */
export function useSlots(rows) {
  const before = useRef({ slots: new Map(), next: 0 });
  const last = before.current;
  if (last.rows === rows) return last.slots;
  const focused = document.activeElement?.closest('[data-task]')?.dataset.task;
  const ids = new Set(rows.map((task) => task.id));
  // The focus must not come to another task by itself.
  const free = [...last.slots].filter(([id]) => !ids.has(id) && id !== focused).map(([, slot]) => slot);
  let { next } = last;
  const slots = new Map(rows.map(({ id }) => [id, last.slots.get(id) ?? free.shift() ?? next++]));
  before.current = { rows, slots, next };
  return slots;
}
