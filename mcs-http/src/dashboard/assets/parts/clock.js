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

/** A relative time, with the exact one for those who point at it, or ask their screen reader. */
export function Ago({ time }) {
  const text = () => ago(time);
  text.key = time;
  const shown = useClock(text);
  if (!time) return html`<span class="quiet">–</span>`;
  return html`<time datetime=${time} title=${exact(time)}>${shown}</time>`;
}
