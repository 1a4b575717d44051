import { go } from '../route.js';
import { html, useEffect, useState } from '../ui.js';
import { Dialog } from './dialog.js';

const KEYS = [
  ['?', 'This list'],
  ['/', 'Go to the filter'],
  ['n', 'A new task'],
  ['j', 'The next row'],
  ['k', 'The row before'],
  ['x', 'Select the row'],
  ['Enter', 'Open the row'],
  ['Esc', 'Leave the filter, or clear the selection'],
];

/** Whether a key belongs to what is being typed, and not to the page. */
export function isTyping(event) {
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
  return html`<${Dialog} title="Keys" onClose=${onClose}>
    <dl class="keys">${KEYS.map(([key, what]) => html`<div key=${key}><dt><kbd>${key}</kbd></dt><dd>${what}</dd></div>`)}</dl>
    <div class="dialog-actions"><button class="button" onClick=${onClose}>Close</button></div>
  <//>`;
}
