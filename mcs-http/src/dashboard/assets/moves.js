// What moves from one address to another do to the focus and to the place that was scrolled to.
import { useEffect, useRef } from './ui.js';

/** How long a page may take to become as long as it was. */
const PATIENCE = 3000;
const LOOK = 50;
const SETTLED = 150;

let returning = 0;
let saving = 0;

/** Keeps with each entry of the history how far it was scrolled, so that the way back leads to the same place. */
export function startMoves() {
  history.scrollRestoration = 'manual';
  addEventListener('hashchange', () => clearTimeout(saving));
  addEventListener('scroll', () => {
    if (returning) return;
    clearTimeout(saving);
    saving = setTimeout(() => history.replaceState({ top: scrollY }, ''), SETTLED);
  }, { passive: true });
  // Whoever scrolls has found a place of their own.
  for (const own of ['wheel', 'touchmove', 'keydown']) addEventListener(own, arrive, { passive: true });
}

/**
 * After a move to another `place` the focus is at the beginning of what is shown, so that a screen reader reads it. A page
 * that was not seen before begins at its top.
 */
export function useMoves(place) {
  const before = useRef(place);
  useEffect(() => {
    if (before.current === place) return;
    before.current = place;
    focusContent();
    returnTo(history.state?.top ?? 0);
  }, [place]);
}

export const focusContent = () => document.getElementById('content')?.focus({ preventScroll: true });

/** Scrolls as soon as there is enough to scroll. */
function returnTo(top) {
  arrive();
  const until = Date.now() + PATIENCE;
  const look = () => {
    const room = document.documentElement.scrollHeight - innerHeight;
    if (room < top && Date.now() < until) {
      returning = setTimeout(look, LOOK);
    } else {
      scrollTo(0, top);
      arrive();
    }
  };
  look();
}

function arrive() {
  clearTimeout(returning);
  returning = 0;
}
