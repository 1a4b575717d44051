import { html, useState } from '../ui.js';
import { Icon } from './icon.js';

const KEY = 'mcs.theme';
const CHOICES = [
  { theme: 'light', icon: 'sun', title: 'Light' },
  { theme: null, icon: 'system', title: 'As the system' },
  { theme: 'dark', icon: 'moon', title: 'Dark' },
];
const listeners = new Set();

/** Calls `listener` when colours change, by the switch or by the system: a canvas does not follow a style by itself. */
export function onTheme(listener) {
  const system = matchMedia('(prefers-color-scheme: dark)');
  system.addEventListener('change', listener);
  listeners.add(listener);
  return () => {
    system.removeEventListener('change', listener);
    listeners.delete(listener);
  };
}

export function ThemeSwitch() {
  const [chosen, setChosen] = useState(document.documentElement.dataset.theme ?? null);
  const choose = (theme) => {
    setChosen(theme);
    apply(theme);
    listeners.forEach((listener) => listener());
  };
  return html`<div class="theme-switch" role="group" aria-label="Theme">
    ${CHOICES.map(({ theme, icon, title }) => html`
      <button key=${title} aria-label=${title} title=${title} aria-pressed=${String(chosen === theme)} onClick=${() => choose(theme)}>
        <${Icon} name=${icon} size="16" />
      </button>`)}
  </div>`;
}

function apply(theme) {
  if (theme) {
    document.documentElement.dataset.theme = theme;
  } else {
    delete document.documentElement.dataset.theme;
  }
  try {
    if (theme) localStorage.setItem(KEY, theme);
    else localStorage.removeItem(KEY);
  } catch {
    // A browser that keeps nothing for the page forgets the choice with it.
  }
}
