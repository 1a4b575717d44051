// What can be done with a task, by where it stands.
import { html, memo, useState } from '../../ui.js';
import { post, remove, taskPath } from '../../api.js';
import { useMay } from '../../session.js';
import { go, link, taskLink } from '../../route.js';
import { toast } from '../../parts/toast.js';
import { confirmed } from '../../parts/dialog.js';
import { isFinished } from './state.js';

// What a piece of work answers that leads to another page, where there is nothing to refresh.
const MOVED = 'moved';

/** The buttons of `task`. `changed` is called once something was done. */
export const Actions = memo(({ task, worktree, changed }) => {
  const allowed = useMay('write');
  const [working, setBusy] = useState(false);
  const busy = working || !allowed;
  const [continuing, setContinuing] = useState(false);
  const path = taskPath(task.id);
  const act = async (work) => {
    setBusy(true);
    try {
      if ((await work()) !== MOVED) changed();
    } catch (error) {
      toast(error.message, { tone: 'bad' });
    }
    setBusy(false);
  };
  const finished = isFinished(task);
  const button = (label, work, kind) =>
    html`<button type="button" class=${`button ${kind ?? ''}`} disabled=${busy} onClick=${() => act(work)}>${label}</button>`;

  const retry = async () => {
    const made = await post(`${path}/retry`);
    toast('A new task tries it again');
    go(taskLink(made.id));
    return MOVED;
  };
  const cancel = async () => {
    if (
      !(await confirmed({
        title: 'Cancel this task?',
        text: 'What it did so far stays done.',
        action: 'Cancel the task', danger: true,
      }))
    )
      return undefined;
    const { outcome } = await post(`${path}/cancel`, { reason: 'cancelled on the page' });
    toast(
      { cancelled: 'Cancelled', requested: 'Its worker was told to end it', finished: 'It had finished already' }[
        outcome
      ] ?? outcome,
    );
  };
  const forget = async () => {
    if (
      !(await confirmed({
        title: 'Remove this task?',
        text: 'Its input, log and result are deleted for good.',
        action: 'Remove', danger: true,
      }))
    )
      return undefined;
    await remove(path);
    toast('Removed');
    go('#/tasks');
    return MOVED;
  };
  const cleanUp = async () => {
    if (
      !(await confirmed({
        title: 'Remove its worktree?',
        text: `What is not committed in ${worktree} is lost.`,
        action: 'Remove the worktree', danger: true,
      }))
    )
      return undefined;
    await post(`${path}/cleanup`);
    toast('The worktree is removed');
  };

  return html`<div class="actions">
      ${task.status === 'PENDING' && task.dispatch === 'manual' && button('Execute here', () => post(`${path}/execute`), 'primary')}
      ${finished && task.status !== 'COMPLETED' && button('Try again', retry, 'primary')}
      ${task.status === 'COMPLETED' && button('Run again', retry)}
      ${
        finished &&
        task.kind === 'claude_code' &&
        html`<button type="button" class="button" aria-expanded=${continuing} disabled=${busy} onClick=${() => setContinuing(!continuing)}>Continue…</button>`
      }
      ${allowed && html`<a class="button" href=${link('new', { from: task.id })}>Use as template</a>`}
      ${worktree && finished && button('Clean up worktree', cleanUp)}
      ${!finished && button(task.cancel_requested_at ? 'Cancel was asked for' : 'Cancel', cancel, 'careful')}
      ${finished && button('Remove', forget, 'careful')}
    </div>
    ${!allowed && html`<p class="quiet">Your token may only look: what changes a task needs the scope write.</p>`}
    ${continuing && html`<${Continue} path=${path} act=${act} busy=${busy} />`}`;
});

function Continue({ path, act, busy }) {
  const [prompt, setPrompt] = useState('');
  const send = (event) => {
    event.preventDefault();
    act(async () => {
      const made = await post(`${path}/continue`, { prompt });
      toast('A new task goes on in the same session');
      go(taskLink(made.id));
      return MOVED;
    });
  };
  return html`<form class="continue" onSubmit=${send}>
    <label>
      What it is to do next, in the same session
      <textarea rows="3" required value=${prompt} onInput=${(event) => setPrompt(event.currentTarget.value)}></textarea>
    </label>
    <button type="submit" class="button primary" disabled=${busy}>Continue</button>
  </form>`;
}
