import { useCallback, useMemo, useRef, useState } from '../../ui.js';

/** After a release the list follows for a moment, so that what was just done shows before it is held again. */
const LOOSE = 1500;
const NONE = new Set();

/**
 * A list that moves under the pointer cannot be used. While the pointer or the focus is in it, or something is selected, its
 * rows stay where they are. They still change in place, those that do not belong here any more are told, and so is how many
 * new ones wait.
 * @param {object[]|undefined} tasks what the service says, newest first
 * @param {boolean} more whether there are older ones than these
 * @param {boolean} selecting
 */
export function useHeld(tasks, more, selecting) {
  const [pointed, setPointed] = useState(false);
  const [focused, setFocused] = useState(false);
  const [released, setReleased] = useState(0);
  const shown = useRef(undefined);
  const hold = (pointed || focused || selecting) && shown.current !== undefined && Date.now() - released > LOOSE;

  const held = useMemo(() => {
    const next = hold && tasks ? compared(shown.current, tasks, more) : { rows: tasks, gone: NONE, waiting: 0 };
    shown.current = next.rows;
    return next;
  }, [tasks, hold]);

  return {
    ...held,
    release: useCallback(() => setReleased(Date.now()), []),
    listeners: useMemo(() => ({
      // A touch leaves no pointer behind that could leave again.
      onPointerEnter: (event) => event.pointerType !== 'touch' && setPointed(true),
      onPointerLeave: () => setPointed(false),
      // A click leaves the focus behind, too, but only a keyboard's is meant.
      onFocusCapture: (event) => setFocused(event.target.matches(':focus-visible')),
      onBlurCapture: () => setFocused(false),
    }), []),
  };
}

/** The rows that stay, as they are now; which of them would not be here; and how many others would. */
function compared(rows, tasks, more) {
  const latest = new Map(tasks.map((task) => [task.id, task]));
  const oldest = more ? tasks.at(-1).created_at : '';
  const gone = rows.filter((task) => !latest.has(task.id) && task.created_at > oldest);
  const kept = rows.map((task) => latest.get(task.id) ?? task);
  const known = new Set(rows.map((task) => task.id));
  const others = tasks.filter((task) => !known.has(task.id) && task.created_at >= (rows[0]?.created_at ?? ''));
  return { rows: kept, gone: new Set(gone.map((task) => task.id)), waiting: others.length + gone.length };
}
