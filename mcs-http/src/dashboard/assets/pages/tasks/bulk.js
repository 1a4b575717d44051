import { post, remove, taskPath } from '../../api.js';
import { plural } from '../../format.js';
import { confirmed } from '../../parts/dialog.js';
import { toast } from '../../parts/toast.js';
import { may } from '../../session.js';
import { html, useState } from '../../ui.js';

const FINISHED = new Set(['COMPLETED', 'FAILED', 'CANCELLED']);

/** What can be done to many tasks, and to which of them. */
const ACTIONS = [
  {
    word: 'Cancel',
    done: 'cancelled',
    fits: (task) => !FINISHED.has(task.status),
    why: 'Running ones are asked to end.',
    run: (id) => post(taskPath(id, 'cancel')),
    danger: true,
  },
  {
    word: 'Retry',
    done: 'created anew',
    fits: (task) => task.status === 'FAILED' || task.status === 'CANCELLED',
    why: 'Each one is created anew; the old one stays.',
    run: (id) => post(taskPath(id, 'retry')),
  },
  {
    word: 'Remove',
    done: 'removed',
    fits: (task) => FINISHED.has(task.status),
    why: 'What they were given and what came of it is gone for good.',
    run: (id) => remove(taskPath(id)),
    danger: true,
  },
];

/** Requests at a time: enough to be quick, few enough to leave the service to others. */
const AT_ONCE = 4;

/** What is done with the selected tasks. */
export function Bulk({ tasks, rows, onDone, onClear }) {
  const [busy, setBusy] = useState(null);
  const latest = new Map(rows.map((task) => [task.id, task]));
  const current = tasks.map((task) => latest.get(task.id) ?? task);

  const act = async (action) => {
    const fitting = current.filter(action.fits);
    const rest = current.length - fitting.length;
    const text = `${action.why}${rest ? ` ${plural(rest, 'selected task')} cannot be and ${rest === 1 ? 'stays as it is' : 'stay as they are'}.` : ''}`;
    const title = `${action.word} ${plural(fitting.length, 'task')}?`;
    if (!(await confirmed({ title, text, action: title.slice(0, -1), danger: action.danger }))) return;
    const failures = await each(fitting, action, (number) => setBusy(`${number} of ${fitting.length}`));
    setBusy(null);
    tell(action, fitting.length - failures.length, failures);
    onDone();
  };

  return html`<div class="bulk" role="region" aria-label="Selected tasks">
    <b aria-live="polite">${busy ?? `${tasks.length} selected`}</b>
    <div class="bulk-actions">
      ${ACTIONS.map((action) => html`<button key=${action.word} class="button small" onClick=${() => act(action)}
        disabled=${busy !== null || !may('write') || !current.some(action.fits)}>${action.word}</button>`)}
      <button class="button small plain" onClick=${onClear}>Clear</button>
    </div>
  </div>`;
}

/** Does it to each, and gives the failures. One that fails does not stop the others. */
async function each(tasks, action, progress) {
  const queue = [...tasks];
  const failures = [];
  let number = 0;
  const worker = async () => {
    for (let task = queue.shift(); task; task = queue.shift()) {
      try {
        await action.run(task.id);
      } catch (error) {
        failures.push(error);
      }
      progress(++number);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return failures;
}

function tell(action, good, failures) {
  if (good) toast(`${plural(good, 'task')} ${action.done}.`);
  if (failures.length) {
    toast(`${plural(failures.length, 'task')} could not be: ${failures[0].message}`, { tone: 'bad' });
  }
}
