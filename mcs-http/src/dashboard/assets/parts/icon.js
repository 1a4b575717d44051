import { html } from '../ui.js';

// Strokes on a grid of 20, drawn in the colour of the text.
const PATHS = {
  overview: 'M3 16V9M8 16V4M13 16v-6M18 16V7',
  tasks: 'M7 5h10M7 10h10M7 15h10M3 5h.01M3 10h.01M3 15h.01',
  new: 'M10 4v12M4 10h12',
  queues: 'M3 6h14M3 10h9M3 14h5',
  models: 'M10 3l6 3.5v7L10 17l-6-3.5v-7zM10 10v7M10 10l6-3.5M10 10L4 6.5',
  interactions: 'M4 5h12v8H9l-4 3v-3H4z',
  workers: 'M4 4h12v5H4zM4 11h12v5H4zM7 6.5h.01M7 13.5h.01',
  docs: 'M5 3h7l3 3v11H5zM8 9h4M8 12h4',
  more: 'M5 10h.01M10 10h.01M15 10h.01',
  close: 'M5 5l10 10M15 5L5 15',
  check: 'M4 10.5l4 4 8-9',
  cross: 'M6 6l8 8M14 6l-8 8',
  pause: 'M7 5v10M13 5v10',
  play: 'M7 4.5v11l8.5-5.5z',
  copy: 'M7 7h9v9H7zM4 13V4h9',
  search: 'M9 4a5 5 0 100 10A5 5 0 009 4zM13 13l4 4',
  left: 'M12 5l-5 5 5 5',
  right: 'M8 5l5 5-5 5',
  sun: 'M10 7a3 3 0 100 6 3 3 0 000-6zM10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.3 4.3l1 1M14.7 14.7l1 1M4.3 15.7l1-1M14.7 5.3l1-1',
  moon: 'M16 12A6.5 6.5 0 018 4a6.5 6.5 0 108 8z',
  system: 'M3 4h14v9H3zM7 16h6',
  question: 'M7.5 8a2.5 2.5 0 113.5 2.3c-.6.3-1 .8-1 1.7M10 15h.01',
  warning: 'M10 3.5l7 12.5H3zM10 8.5v3.5M10 14h.01',
  leave: 'M11 4H5v12h6M9 10h8M14 7l3 3-3 3',
};

/** A drawing beside words. It says nothing to a screen reader, because the words do. */
export function Icon({ name, size = 18 }) {
  return html`<svg class="icon" width=${size} height=${size} viewBox="0 0 20 20" aria-hidden="true" focusable="false">
    <path d=${PATHS[name]} />
  </svg>`;
}
