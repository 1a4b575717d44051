import { currentSession, logOut, onSession } from '../session.js';
import { go } from '../route.js';
import { html, useEffect, useState } from '../ui.js';
import { Banner, useLiveState } from './banner.js';
import { Dialog } from './dialog.js';
import { Icon } from './icon.js';
import { ThemeSwitch } from './theme-switch.js';

/** @typedef {{path: string, title: string, icon: string, href?: string}} Place one entry of the navigation */

/** What is around every page: where one can go, who one is, and whether what is shown is fresh. */
export function Shell({ places, place, onKeys, children }) {
  const [more, setMore] = useState(false);
  const entry = (each) => html`<${Entry} key=${each.path} ...${each} current=${each === place} />`;
  return html`
    <a class="skip" href="#content" onClick=${skip}>Skip to the content</a>
    <aside class="side">
      <a class="brand" href="#/"><${Mark} /><span>MCS</span></a>
      <nav aria-label="Pages">${places.map(entry)}</nav>
      <div class="side-end"><${Connection} /><${Who} />
        <div class="side-row"><${ThemeSwitch} /><button class="button plain small" aria-haspopup="dialog" onClick=${onKeys}>Keys</button></div>
      </div>
    </aside>
    <header class="top">
      <a class="brand" href="#/"><${Mark} /><span>MCS</span></a>
      <${Connection} />
    </header>
    <div class="stage">
      <${Banner} />
      <main id="content" tabindex="-1">${children}</main>
    </div>
    <nav class="bottom" aria-label="Pages">
      ${places.filter((each) => each.primary).map(entry)}
      <button class="entry" aria-haspopup="dialog" onClick=${() => setMore(true)}><${Icon} name="more" />More</button>
    </nav>
    ${more && html`<${Dialog} title="More" onClose=${() => setMore(false)}>
      <nav class="more" aria-label="More pages" onClick=${(event) => event.target.closest('a') && setMore(false)}>
        ${places.filter((each) => !each.primary).map(entry)}
      </nav>
      <div class="more-end"><${Who} /><${ThemeSwitch} /></div>
    <//>`}`;
}

/** The hash is the address of the page, so the jump is made by hand. */
function skip(event) {
  event.preventDefault();
  document.getElementById('content').focus();
}

function Entry({ path, href, title, icon, current }) {
  return html`<a class="entry" href=${href ?? `#/${path}`} aria-current=${current ? 'page' : null}>
    <${Icon} name=${icon} />${title}
  </a>`;
}

const Mark = () => html`<svg class="mark" width="22" height="22" viewBox="0 0 32 32" aria-hidden="true">
  <rect width="32" height="32" rx="8" /><path d="M8 10h10M8 16h16M8 22h6" />
</svg>`;

const PHASES = { live: 'Live', connecting: 'Connecting', gone: 'Offline', refused: 'Not live' };

function Connection() {
  const { phase, reason } = useLiveState();
  return html`<span class="connection ${phase}" title=${reason}><i></i>${PHASES[phase]}${reason && html`<span class="unseen">: ${reason}</span>`}</span>`;
}

function Who() {
  const [session, setSession] = useState(currentSession);
  useEffect(() => onSession(setSession), []);
  if (session.access !== 'session') return null;
  const leave = async () => {
    await logOut();
    go('#/login');
  };
  return html`<div class="who">
    <span title=${session.scopes.join(', ')}>${session.name}</span>
    <button class="icon-button" aria-label="Sign out" title="Sign out" onClick=${leave}><${Icon} name="leave" /></button>
  </div>`;
}
