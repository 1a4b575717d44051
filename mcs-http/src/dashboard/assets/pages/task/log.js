// The log of a task. It follows what is written, until the reader stops it or scrolls up.
import { html, useEffect, useRef, useState } from '../../ui.js';
import { taskPath } from '../../api.js';
import { timeOfDay, exact } from '../../format.js';
import { follow } from '../../stream.js';

const LEVELS = ['debug', 'info', 'warn', 'error'];
// Lines that are kept, and of those the ones on the page: more than anybody scrolls through.
const KEPT = 5000;
const SHOWN = 1000;

/** The log of the task `id`, live while the page is open. */
export function Log({ id }) {
  const { lines, waiting, ended, paused, setPaused } = useLines(id);
  const [level, setLevel] = useState('debug');
  const [text, setText] = useState('');
  const wanted = lines.filter(
    (line) => LEVELS.indexOf(line.level) >= LEVELS.indexOf(level) && line.text.toLowerCase().includes(text),
  );
  const box = useRef(null);
  const atEnd = useRef(true);
  useEffect(() => {
    if (box.current && atEnd.current && !paused) box.current.scrollTop = box.current.scrollHeight;
  });
  const scrolled = ({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
    atEnd.current = scrollHeight - scrollTop - clientHeight < 40;
  };
  return html`<section class="card" aria-labelledby="log-title">
    <div class="card-head">
      <h2 id="log-title">Log</h2>
      <div class="tools">
        <select aria-label="Least level" value=${level} onChange=${(event) => setLevel(event.currentTarget.value)}>
          ${LEVELS.map((name) => html`<option key=${name} value=${name}>${name === 'debug' ? 'all levels' : `${name} and above`}</option>`)}
        </select>
        <input class="input" type="search" placeholder="Find in the log" aria-label="Find in the log" onInput=${(event) => setText(event.currentTarget.value.toLowerCase())} />
        ${
          !ended &&
          html`<button type="button" class="button small" aria-pressed=${paused} onClick=${() => setPaused(!paused)}>
          ${paused ? `Go on${waiting ? ` (${waiting} new)` : ''}` : 'Pause'}
        </button>`
        }
      </div>
    </div>
    ${
      wanted.length
        ? html`<div class="log" ref=${box} onScroll=${scrolled} tabindex="0" role="log" aria-label="Lines of the log" aria-live="off">
          ${wanted.length > SHOWN && html`<p class="quiet">The last ${SHOWN} of ${wanted.length} lines.</p>`}
          ${wanted.slice(-SHOWN).map((line) => html`<${Line} key=${line.seq} line=${line} />`)}
        </div>`
        : html`<p class="quiet">${lines.length ? 'No line matches.' : ended ? 'It wrote no log.' : 'Nothing has been written yet. Lines appear here as they are written.'}</p>`
    }
  </section>`;
}

function Line({ line }) {
  return html`<div class=${`line ${line.level}`}>
    <time title=${`${exact(line.at)}, attempt ${line.attempt}`}>${timeOfDay(line.at)}</time>
    <span class="level">${line.level}</span><span class="line-text">${line.text}</span>
  </div>`;
}

function useLines(id) {
  const [lines, setLines] = useState([]);
  const [ended, setEnded] = useState(false);
  const [paused, setPaused] = useState(false);
  const [waiting, setWaiting] = useState(0);
  const state = useRef({ paused: false, pending: [], seq: 0, timer: null });
  state.current.paused = paused;
  const take = () => {
    const now = state.current;
    now.timer = null;
    if (now.paused) return setWaiting(now.pending.length);
    const pending = now.pending.splice(0);
    setWaiting(0);
    if (pending.length) setLines((lines) => [...lines, ...pending].slice(-KEPT));
  };
  useEffect(() => {
    if (!paused) take();
  }, [paused]);
  useEffect(() => {
    const now = state.current;
    const stop = follow(taskPath(id, 'log'), { follow: true }, {
      log: (line) => {
        // A stream that begins again may begin with lines that are there already.
        if (line.seq <= now.seq) return;
        now.seq = line.seq;
        now.pending.push(line);
        if (now.pending.length > KEPT) now.pending.shift();
        // Many lines at a time are one change of the page.
        now.timer ??= setTimeout(take, 100);
      },
      end: () => {
        setEnded(true);
        stop();
      },
    });
    return () => {
      stop();
      clearTimeout(now.timer);
    };
  }, [id]);
  return { lines, waiting, ended, paused, setPaused };
}
