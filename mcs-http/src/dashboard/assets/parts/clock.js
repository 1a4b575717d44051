import { ago, exact } from '../format.js';
import { html, useEffect, useState } from '../ui.js';

// One timer for every relative time of the page.
const listeners = new Set();
let timer = 0;

/** A text that follows the clock. Only those whose text changed are rendered. */
export function useClock(text) {
  const [shown, setShown] = useState(text);
  useEffect(() => {
    const tick = () => setShown(text());
    tick();
    listeners.add(tick);
    timer ||= setInterval(() => listeners.forEach((each) => each()), 1000);
    return () => {
      listeners.delete(tick);
      if (!listeners.size) {
        clearInterval(timer);
        timer = 0;
      }
    };
  }, [text.key]);
  return shown;
}

/**
 * A relative time, with the exact one for programs, and for those who point at it. That is written when they do: it would be
 * the dearest part of a long list.
 */
export function Ago({ time }) {
  const text = () => ago(time);
  text.key = time;
  const shown = useClock(text);
  const tell = ({ currentTarget }) => (currentTarget.title = exact(time));
  if (!time) return html`<span class="quiet">–</span>`;
  return html`<time datetime=${time} onPointerEnter=${tell}>${shown}</time>`;
}
