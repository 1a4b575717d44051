// The log of a task. It follows what is written, until the reader stops it or scrolls up.
import { html, memo, useEffect, useLayoutEffect, useMemo, useRef, useState } from '../../ui.js';
import { taskPath } from '../../api.js';
import { timeOfDay, exact } from '../../format.js';
import { follow } from '../../stream.js';

const LEVELS = ['debug', 'info', 'warn', 'error'];
// Lines that are kept; of those the ones on the page while the reader is at its end, and the most of them elsewhere.
const KEPT = 5000;
const PIECE = 200;
const SHOWN = 2000;

/** The log of the task `id`, live while the page is open. */
export const Log = memo(({ id }) => {
  const { lines, waiting, ended, refused, paused, setPaused } = useLines(id);
  const [level, setLevel] = useState('info');
  const [text, setText] = useState('');
  const wanted = useMemo(() => matching(lines, level, text), [lines, level, text]);
  const { box, scrolled, shown, earlier, more } = useWindow(wanted, paused);
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
          ${earlier > 0 && html`<button type="button" class="button plain small" onClick=${more}>${earlier} earlier lines</button>`}
          ${shown.map((line) => html`<${Line} key=${line.seq} line=${line} />`)}
        </div>`
        : refused
          ? html`<p class="notice wait" role="status">The log is not given: ${refused.message}</p>`
          : html`<p class="quiet">${lines.length ? 'No line matches.' : ended ? 'It wrote no log.' : 'Nothing has been written yet. Lines appear here as they are written.'}</p>`
    }
  </section>`;
});

function matching(lines, level, text) {
  const least = LEVELS.indexOf(level);
  return lines.filter((line) => LEVELS.indexOf(line.level) >= least && (!text || line.text.toLowerCase().includes(text)));
}

/** The lines on the page: the last ones, and while the reader is elsewhere those from where they are. */
function useWindow(wanted, paused) {
  const box = useRef(null);
  const [from, setFrom] = useState(null);
  const last = Math.max(wanted.length - PIECE, 0);
  const at = from === null ? last : wanted.findIndex((line) => line.seq >= from);
  const start = at < 0 ? last : at;
  const shown = wanted.slice(start, start + SHOWN);
  useLayoutEffect(() => {
    if (box.current && from === null && !paused) box.current.scrollTop = box.current.scrollHeight;
  }, [wanted, from, paused]);
  const scrolled = ({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
    const atEnd = scrollHeight - scrollTop - clientHeight < 40 && start + SHOWN >= wanted.length;
    if (atEnd) setFrom(null);
    else if (from === null) setFrom(wanted[start]?.seq ?? null);
  };
  const more = () => setFrom(wanted[Math.max(start - PIECE, 0)].seq);
  return { box, scrolled, shown, earlier: start, more };
}

const Line = memo(({ line }) => {
  return html`<div class=${`line ${line.level}`}>
    <time title=${`${exact(line.at)}, attempt ${line.attempt}`}>${timeOfDay(line.at)}</time>
    <span class="level">${line.level}</span><span class="line-text">${line.text}</span>
  </div>`;
});

function useLines(id) {
  const [lines, setLines] = useState([]);
  const [ended, setEnded] = useState(false);
  const [refused, setRefused] = useState(null);
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
      open: () => setRefused(null),
      refused: setRefused,
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
      now.timer = null;
    };
  }, [id]);
  return { lines, waiting, ended, refused, paused, setPaused };
}
