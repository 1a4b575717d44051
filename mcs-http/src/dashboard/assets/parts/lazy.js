import { get } from '../api.js';
import { onState } from '../live.js';
import { html, useEffect, useErrorBoundary, useState } from '../ui.js';
import { Failure, Loading } from './empty.js';

/** A page whose code is fetched when it is first shown. */
export function Lazy({ page, parameters, query }) {
  const [view, setView] = useState(null);
  const [failure, setFailure] = useState(null);
  const [attempt, setAttempt] = useState(0);
  const [broken, mend] = useErrorBoundary((error) => console.error(error));
  const again = () => setAttempt((number) => number + 1);
  useEffect(() => {
    let wanted = true;
    page.load().then(
      (module) => {
        if (!wanted) return;
        setFailure(null);
        setView(() => module.default);
      },
      async () => {
        const reason = await whyNot();
        if (wanted) setFailure(reason);
      },
    );
    return () => {
      wanted = false;
    };
  }, [page, attempt]);
  useEffect(() => (failure?.isAway ? onState(({ phase }) => phase === 'live' && again()) : undefined), [failure]);
  if (failure) return failure.isAway ? html`<${Failure} error=${failure} onRetry=${again} />` : html`<${Outdated} />`;
  if (broken) return html`<${Failure} error=${broken} onRetry=${mend} />`;
  if (!view) return html`<${Loading} />`;
  return html`<${view} parameters=${parameters} query=${query} />`;
}

/** A module that does not load says nothing of the reason, so a plain request finds out whether anybody is there. */
async function whyNot() {
  try {
    await get('api/v1/session');
    return {};
  } catch (problem) {
    return problem;
  }
}

/** The files of a page that was opened before an upgrade are gone. */
const Outdated = () => html`<div class="empty" role="alert">
  <h3>This page is out of date</h3>
  <p>The service was upgraded or restarted since it was opened.</p>
  <button class="button primary" onClick=${() => location.reload()}>Load it anew</button>
</div>`;
