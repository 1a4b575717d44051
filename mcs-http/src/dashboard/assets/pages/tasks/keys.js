import { isTyping } from '../../parts/help.js';
import { useEffect } from '../../ui.js';

const links = () => [...document.querySelectorAll('a[data-row]')];

/** The keys of a list: / j k x and Escape. Enter is the browser's, because each row is a link. */
export function useRowKeys(selection) {
  useEffect(() => {
    const pressed = (event) => {
      const inFilter = event.target.matches?.('[data-filter]');
      if (event.key === 'Escape' && inFilter) {
        event.target.blur();
      } else if (!isTyping(event)) {
        act(event, selection);
      }
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, [selection]);
}

function act(event, selection) {
  switch (event.key) {
    case '/':
      event.preventDefault();
      document.querySelector('[data-filter="text"]')?.focus();
      break;
    case 'j':
      move(1);
      break;
    case 'k':
      move(-1);
      break;
    case 'x':
      document.activeElement.closest('[data-task]')?.querySelector('input[type=checkbox]').click();
      break;
    case 'Escape':
      selection.clear();
      break;
    default:
  }
}

function move(step) {
  const all = links();
  const current = all.indexOf(document.activeElement.closest('[data-task]')?.querySelector('a[data-row]'));
  const next = current < 0 ? all[0] : all[current + step];
  next?.focus();
  next?.closest('[data-task]').scrollIntoView({ block: 'nearest' });
}
