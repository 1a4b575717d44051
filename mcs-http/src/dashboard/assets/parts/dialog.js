import { focusContent } from '../moves.js';
import { html, useEffect, useLayoutEffect, useRef, useState } from '../ui.js';

let open = () => {};

/**
 * Asks before something is done. Resolves to true or false.
 * @param {{title: string, text: unknown, action: string, danger?: boolean}} question
 * @returns {Promise<boolean>}
 */
export function confirmed(question) {
  return new Promise((answer) => open({ ...question, answer }));
}

/** Where questions appear, once in the page. */
export function Confirmations() {
  const [question, setQuestion] = useState(null);
  useEffect(() => {
    open = setQuestion;
    return () => {
      open = () => {};
    };
  }, []);
  if (!question) return null;
  const settle = (yes) => {
    setQuestion(null);
    question.answer(yes);
  };
  return html`<${Dialog} title=${question.title} onClose=${() => settle(false)}>
    <div class="dialog-text">${question.text}</div>
    <div class="dialog-actions">
      <button class="button" autofocus=${question.danger} onClick=${() => settle(false)}>Back</button>
      <button class="button ${question.danger ? 'danger' : 'primary'}" autofocus=${!question.danger} onClick=${() => settle(true)}>
        ${question.action}
      </button>
    </div>
  <//>`;
}

/** A modal window. The browser keeps the focus within, closes it by Escape and gives the focus back. */
export function Dialog({ title, onClose, children }) {
  const dialog = useRef();
  // At once, since the button that asked may be disabled for as long, and loses the focus by that.
  useLayoutEffect(() => {
    const before = document.activeElement;
    dialog.current.showModal();
    return () => giveBack(before);
  }, []);
  // A selection of text that ends outside began within, and closes nothing.
  const began = useRef(null);
  const begin = (event) => (began.current = event.target);
  const closeOutside = ({ target }) => target === dialog.current && began.current === target && onClose();
  return html`<dialog ref=${dialog} class="dialog" aria-labelledby="dialog-title" onClose=${onClose}
    onPointerDown=${begin} onClick=${closeOutside}>
    <div class="dialog-body">
      <h2 id="dialog-title">${title}</h2>
      ${children}
    </div>
  </dialog>`;
}

/** Gives the focus back when what follows from the answer is shown: until then the button that asked may be disabled. */
function giveBack(element) {
  setTimeout(() => {
    if (document.querySelector('dialog[open]')) return;
    element?.focus?.();
    if (document.activeElement === document.body) focusContent();
  });
}
