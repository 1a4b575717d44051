// The timeline of a task: a strip of its time, and its steps with the times between them.
import { html, memo, useMemo } from '../../ui.js';
import { exact, span, timeOfDay, useNow } from './time.js';
import { Loading } from '../../parts/empty.js';
import { steps, stretches } from './attempts.js';

const KINDS = { waiting: 'waiting', running: 'running', asking: 'waiting for an answer' };
const WIDTH = 1000;
// Narrower than this nothing is seen.
const LEAST = 4;

/** The timeline of `events`; what goes on ends now. */
export const Timeline = memo(({ events, finished }) => {
  const now = useNow(!finished);
  const found = useMemo(() => events && steps(events), [events]);
  if (!events) return html`<${Loading} />`;
  if (!found.length) return html`<p class="quiet">Its events are no longer kept.</p>`;
  const parts = stretches(events, finished ? Date.parse(finished) : now);
  return html`<${Strip} parts=${parts} />
    <ol class="timeline">
      <${Steps} steps=${found} />
      ${!finished && html`<li class="step now"><span class="step-words">now</span> <span class="step-since">+${span(Math.max(now - found.at(-1).at, 0))}</span></li>`}
    </ol>`;
});

const Steps = memo(({ steps: found }) => found.map((step) => html`<${Step} key=${step.key} step=${step} />`));

function Strip({ parts }) {
  const from = parts[0]?.from ?? 0;
  const whole = Math.max((parts.at(-1)?.to ?? 0) - from, 1);
  const sums = new Map();
  for (const { kind, from, to } of parts) sums.set(kind, (sums.get(kind) ?? 0) + to - from);
  const words = [...sums].map(([kind, ms]) => `${span(ms)} ${KINDS[kind]}`).join(', ');
  return html`<figure class="strip">
    <svg viewBox="0 0 ${WIDTH} 20" preserveAspectRatio="none" role="img" aria-label=${words}>
      ${parts.map(({ kind, from: at, to }, index) => {
        const x = ((at - from) / whole) * WIDTH;
        const width = Math.max(((to - at) / whole) * WIDTH, LEAST);
        return html`<rect key=${index} class=${`stretch ${kind}`} x=${Math.min(x, WIDTH - width)} y="0" width=${width} height="20"></rect>`;
      })}
    </svg>
    <figcaption>
      ${[...sums].map(([kind, ms]) => html`<span key=${kind}><i class=${`key ${kind}`}></i>${span(ms)} ${KINDS[kind]}</span>`)}
    </figcaption>
  </figure>`;
}

function Step({ step }) {
  return html`<li class=${`step ${step.event}`}>
    <span class="step-words">${step.words}</span>
    ${step.since !== null && html` <span class="step-since">+${span(step.since)}</span>`}
    <time datetime=${new Date(step.at).toISOString()} title=${exact(step.at)}>${timeOfDay(step.at)}</time>
    ${step.more && html`<p class="step-more">${step.more}</p>`}
  </li>`;
}
