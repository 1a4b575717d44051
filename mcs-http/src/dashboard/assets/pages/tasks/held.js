import { useCallback, useMemo, useRef, useState } from '../../ui.js';

/**
 * A list that moves under the pointer cannot be used. While the pointer or the focus is in it, or something is selected, its
 * rows stay where they are: they still change in place, and how many newer ones wait is told.
 * @param {object[]|undefined} tasks what the service says
 * @param {boolean} selecting
 */
export function useHeld(tasks, selecting) {
  const [pointed, setPointed] = useState(false);
  const [focused, setFocused] = useState(false);
  const [released, setReleased] = useState(0);
  const shown = useRef(undefined);
  const round = useRef(0);
  const hold = (pointed || focused || selecting) && shown.current !== undefined && round.current === released;

  const rows = useMemo(() => {
    round.current = released;
    if (!hold || !tasks) return (shown.current = tasks);
    const latest = new Map(tasks.map((task) => [task.id, task]));
    return (shown.current = shown.current.map((task) => latest.get(task.id) ?? task));
  }, [tasks, hold, released]);

  const waiting = useMemo(() => {
    if (!hold || !tasks) return 0;
    const known = new Set(rows.map((task) => task.id));
    return tasks.filter((task) => !known.has(task.id)).length;
  }, [tasks, rows, hold]);

  return {
    rows,
    waiting,
    release: useCallback(() => setReleased((count) => count + 1), []),
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
