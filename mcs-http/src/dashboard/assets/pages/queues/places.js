import { Dialog } from '../../parts/dialog.js';
import { html, useState } from '../../ui.js';

/** Asks how many tasks of a queue may run at a time. */
export function Places({ queue, onSave, onClose }) {
  const [value, setValue] = useState(String(queue.concurrency ?? queue.slots));
  const [error, setError] = useState(null);
  const save = async (concurrency) => {
    try {
      await onSave(concurrency);
    } catch (problem) {
      setError(problem.message);
    }
  };
  const submit = (event) => {
    event.preventDefault();
    save(Number(value));
  };
  return html`<${Dialog} title="Places of ${queue.name}" onClose=${onClose}>
    <form class="places" onSubmit=${submit}>
      <div class="field">
        <label for="places">Tasks that run at a time, in each process</label>
        <input id="places" class="input" type="number" min="1" max="100000" required value=${value} aria-invalid=${String(error !== null)}
          aria-describedby="places-hint" onInput=${(event) => setValue(event.target.value)} />
        <p class=${error ? 'wrong' : 'hint'} id="places-hint" aria-live="polite">
          ${error ?? (queue.concurrency === undefined ? 'As configured now.' : 'Changed at run time, over what is configured.')}
        </p>
      </div>
      <div class="dialog-actions">
        ${queue.concurrency !== undefined && html`<button type="button" class="button plain" onClick=${() => save(null)}>As configured</button>`}
        <button type="button" class="button" onClick=${onClose}>Back</button>
        <button class="button primary">Save</button>
      </div>
    </form>
  <//>`;
}
