// Exchanges a token for a session of the browser, and ends one.
import { html, useEffect, useRef, useState } from '../ui.js';
import { go } from '../route.js';
import { currentSession, logIn, logOut, onSession } from '../session.js';

/** The page; `then` in the query is where it leads after a login. */
export default function Login({ query }) {
  const [session, setSession] = useState(currentSession());
  useEffect(() => onSession(setSession), []);
  if (session.name) return html`<${Known} session=${session} />`;
  return html`<${Ask} then=${query.get('then')} />`;
}

function Ask({ then }) {
  const [token, setToken] = useState('');
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const field = useRef(null);
  useEffect(() => field.current?.focus(), []);
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await logIn(token.trim());
      // Only an address of this page: what a link says must not lead elsewhere.
      go(then?.startsWith('#/') && !then.startsWith('#/login') ? then : '#/');
    } catch (error) {
      setProblem(error.status === 401 ? 'This token is not known here, or was revoked.' : error.message);
      field.current?.select();
    }
    setBusy(false);
  };
  return html`<section class="card login" aria-labelledby="login-title">
    <h1 id="login-title">Log in</h1>
    <p>This service wants to know who is asking. The token is exchanged for a session of this browser and not kept.</p>
    <form onSubmit=${submit}>
      <input type="text" name="username" autocomplete="username" value="mcs" hidden readonly />
      <div class="field">
        <label for="token">Token</label>
        <input ref=${field} id="token" class="input" type="password" autocomplete="current-password" spellcheck=${false} required value=${token}
          aria-invalid=${problem ? 'true' : undefined} aria-describedby=${problem ? 'token-problem' : undefined}
          onInput=${(event) => setToken(event.currentTarget.value)} />
        ${problem && html`<p class="wrong" id="token-problem" role="alert">${problem}</p>`}
      </div>
      <button type="submit" class="button primary" disabled=${busy}>Log in</button>
    </form>
    <details><summary>Where do I get a token?</summary>
      <p>Whoever runs the service makes one, and it is shown once:</p>
      <pre class="text" tabindex="0">mcs keys create me --scope read --scope write</pre>
    </details>
  </section>`;
}

function Known({ session }) {
  return html`<section class="card login" aria-labelledby="login-title">
    <h1 id="login-title">You are ${session.name}</h1>
    <p>You may ${session.scopes.join(', ') || 'nothing'}.</p>
    ${
      session.access === 'session'
        ? html`<button type="button" class="button" onClick=${() => logOut().then(() => go('#/login'))}>Log out</button>`
        : html`<p class="quiet">This service is open to its own machine, so that nobody has to log in.</p>`
    }
  </section>`;
}
