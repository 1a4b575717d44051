import { onUnauthorized } from './api.js';
import { reconnect, rest, startLive } from './live.js';
import { PAGES, pageAt } from './pages.js';
import { Confirmations } from './parts/dialog.js';
import { Empty, Failure, Loading } from './parts/empty.js';
import { Help, useHelp } from './parts/help.js';
import { Shell } from './parts/shell.js';
import { Toasts } from './parts/toast.js';
import { startRecent } from './recent.js';
import { currentRoute, go, link, useRoute } from './route.js';
import { loadSession, onSession } from './session.js';
import { html, render, useEffect, useErrorBoundary, useMemo, useState } from './ui.js';

const LOGIN = 'login';

function App() {
  const route = useRoute();
  const found = pageAt(route.parts);
  const [help, setHelp] = useHelp();
  const place = found && PAGES.find((each) => each.path === (found.page.under ?? found.page.path));
  useEffect(() => {
    document.title = found?.page.path ? `${found.page.title} · MCS` : 'MCS';
  }, [found?.page]);
  useFocusOnMove(route.parts.join('/'));
  return html`
    <${Shell} places=${PLACES} place=${place}>
      ${found ? html`<${Lazy} key=${found.page.path} page=${found.page} parameters=${found.parameters} query=${route.query} />` : html`<${NoPage} />`}
    <//>
    <${Toasts} />
    <${Confirmations} />
    ${help && html`<${Help} onClose=${() => setHelp(false)} />`}`;
}

const PLACES = PAGES.filter((page) => !page.hidden);

/** A page whose code is fetched when it is first shown. */
function Lazy({ page, parameters, query }) {
  const [view, setView] = useState(null);
  const [failure, setFailure] = useState(null);
  const [broken, mend] = useErrorBoundary((error) => console.error(error));
  useEffect(() => {
    let wanted = true;
    page.load().then(
      (module) => wanted && setView(() => module.default),
      (error) => wanted && setFailure(error),
    );
    return () => {
      wanted = false;
    };
  }, [page]);
  if (failure) return html`<${Outdated} />`;
  if (broken) return html`<${Failure} error=${broken} onRetry=${mend} />`;
  if (!view) return html`<${Loading} />`;
  return html`<${view} parameters=${parameters} query=${query} />`;
}

/** The files of a page that was opened before an upgrade are gone. */
const Outdated = () => html`<div class="empty" role="alert">
  <h3>This page is out of date</h3>
  <p>The service was upgraded or restarted since it was opened.</p>
  <button class="button primary" onClick=${() => location.reload()}>Load it anew</button>
</div>`;

const NoPage = () => html`<${Empty} title="There is no such page">Go to the <a href="#/">overview</a>.<//>`;

/** After a move the focus is at the beginning of the new page, so that a screen reader reads it. */
function useFocusOnMove(path) {
  const first = useMemo(() => ({ path }), []);
  useEffect(() => {
    if (first.path === path) return;
    first.path = undefined;
    scrollTo(0, 0);
    document.getElementById('content')?.focus({ preventScroll: true });
  }, [path]);
}

/** Whoever is not known goes to the login, and comes back to where they were. */
function askForLogin() {
  rest();
  const { parts, hash } = currentRoute();
  if (parts[0] !== LOGIN) go(link(LOGIN, { then: hash }), { replace: true });
}

onUnauthorized(askForLogin);
let known = false;
onSession((session) => {
  // A new session needs a new stream, because the old one was refused.
  if (session.access && known) reconnect();
  known = true;
});
startRecent();
startLive();
loadSession().catch(() => {
  // The stream says whether the service is away, and a refusal leads to the login.
});
render(html`<${App} />`, document.getElementById('app'));
