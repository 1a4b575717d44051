import { liveState, onState, reconnect } from '../live.js';
import { focusContent } from '../moves.js';
import { html, useEffect, useRef, useState } from '../ui.js';
import { useClock } from './clock.js';
import { Icon } from './icon.js';

export function useLiveState() {
  const [state, setState] = useState(liveState);
  useEffect(() => onState(setState), []);
  return state;
}

/** Says that the service is away, when it is asked again, and that what is shown is old. */
export function Banner() {
  const { phase, retryAt } = useLiveState();
  return phase === 'gone' ? html`<${Gone} retryAt=${retryAt} />` : null;
}

function Gone({ retryAt }) {
  const banner = useRef();
  useEffect(() => {
    const element = banner.current;
    // The focus would be nowhere once its button is gone.
    return () => element.contains(document.activeElement) && focusContent();
  }, []);
  return html`<div class="banner" role="alert" ref=${banner}>
    <${Icon} name="warning" />
    <p><strong>The service does not answer.</strong> What you see may be out of date. <${NextTry} at=${retryAt} /></p>
    <button class="button small" onClick=${reconnect}>Try now</button>
  </div>`;
}

function NextTry({ at }) {
  const text = () => {
    const seconds = Math.ceil((at - Date.now()) / 1000);
    return seconds > 0 ? `Next try in ${seconds} s.` : 'Trying…';
  };
  text.key = at;
  // The countdown is for eyes alone: read aloud every second it would drown everything else.
  return html`<span aria-hidden="true">${useClock(text)}</span>`;
}
