import { go } from '../route.js';
import { html, useEffect, useState } from '../ui.js';
import { Dialog } from './dialog.js';

const KEYS = [
  ['?', 'This list'],
  ['n', 'A new task'],
];
const ROW_KEYS = [
  ['/', 'Go to the filter'],
  ['j', 'The next row'],
  ['k', 'The row before'],
  ['x', 'Select the row'],
  ['Enter', 'Open the row'],
  ['Esc', 'Leave the filter, or clear the selection'],
];

const OFF = 'mcs-keys-off';

/** Whoever speaks to their computer, or types with few keys, can do without keys that act by themselves. */
const areOff = () => {
  try {
    return localStorage.getItem(OFF) !== null;
  } catch {
    return false;
  }
};

function turn(on) {
  try {
    if (on) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, '');
  } catch {
    // Where nothing may be kept the keys stay.
  }
}

/** Whether a key belongs to what is being typed, and not to the page. */
export function isTyping(event) {
  if (areOff()) return true;
  if (event.ctrlKey || event.metaKey || event.altKey) return true;
  if (document.querySelector('dialog[open]')) return true;
  return Boolean(event.target.closest?.('input:not([type=checkbox]), textarea, select, [contenteditable]'));
}

/** Keys that work on every page. */
export function useHelp() {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const pressed = (event) => {
      if (isTyping(event)) return;
      if (event.key === '?') setShown(true);
      if (event.key === 'n') go('#/new');
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, []);
  return [shown, setShown];
}

export function Help({ onClose }) {
  const [off, setOff] = useState(areOff);
  const change = (event) => {
    turn(event.currentTarget.checked);
    setOff(areOff());
  };
  const keys = document.querySelector('.tasks') ? [...KEYS, ...ROW_KEYS] : KEYS;
  return html`<${Dialog} title="Keys" onClose=${onClose}>
    <dl class="keys">${keys.map(([key, what]) => html`<div key=${key}><dt><kbd>${key}</kbd></dt><dd>${what}</dd></div>`)}</dl>
    <label class="keys-on"><input type="checkbox" checked=${!off} onChange=${change} />Single keys act</label>
    <div class="dialog-actions"><button class="button" onClick=${onClose}>Close</button></div>
  <//>`;
}
