import { onUnauthorized } from './api.js';
import { rest, resume, startLive } from './live.js';
import { startMoves, useMoves } from './moves.js';
import { PAGES, pageAt } from './pages.js';
import { Confirmations } from './parts/dialog.js';
import { Empty } from './parts/empty.js';
import { Help, useHelp } from './parts/help.js';
import { Lazy } from './parts/lazy.js';
import { Shell } from './parts/shell.js';
import { Toasts } from './parts/toast.js';
import { startRecent } from './recent.js';
import { currentRoute, go, link, useRoute } from './route.js';
import { forgetSession, loadSession, onSession } from './session.js';
import { html, render, useEffect } from './ui.js';

const LOGIN = 'login';

function App() {
  const route = useRoute();
  const found = pageAt(route.parts);
  const [help, setHelp] = useHelp();
  const place = found && PAGES.find((each) => each.path === (found.page.under ?? found.page.path));
  useEffect(() => {
    document.title = found?.page.path ? `${found.page.title} · MCS` : 'MCS';
  }, [found?.page]);
  // The next page of a list is another place, too.
  useMoves(`${route.parts.join('/')} ${route.query.get('after') ?? ''}`);
  return html`
    <${Shell} places=${PLACES} place=${place} onKeys=${() => setHelp(true)}>
      ${found ? html`<${Lazy} key=${found.page.path} page=${found.page} parameters=${found.parameters} query=${route.query} />` : html`<${NoPage} />`}
    <//>
    <${Toasts} />
    <${Confirmations} />
    ${help && html`<${Help} onClose=${() => setHelp(false)} />`}`;
}

const PLACES = PAGES.filter((page) => !page.hidden);

const NoPage = () => html`<${Empty} title="There is no such page">Go to the <a href="#/">overview</a>.<//>`;

/** Whoever is not known goes to the login, and comes back to where they were. */
function askForLogin() {
  rest();
  forgetSession();
  const { parts, hash } = currentRoute();
  if (parts[0] !== LOGIN) go(link(LOGIN, { then: hash }), { replace: true });
}

onUnauthorized(askForLogin);
onSession((session) => {
  // Whoever logs in needs a stream again, because the one before was refused.
  if (session.access) resume();
});
startMoves();
startRecent();
startLive();
loadSession().catch(() => {
  // The stream says whether the service is away, and a refusal leads to the login.
});
render(html`<${App} />`, document.getElementById('app'));
