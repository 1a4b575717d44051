import { count, exactCount, rate } from '../../format.js';
import { onChange } from '../../live.js';
import { recentRate } from '../../recent.js';
import { now } from '../../now.js';
import { link } from '../../route.js';
import { html, useEffect, useState } from '../../ui.js';

/** What there is right now, in one line. */
export function Numbers({ statistics, queues }) {
  const { statuses } = statistics;
  const ready = queues?.reduce((sum, queue) => sum + queue.ready, 0);
  const hours = statistics.history?.hours;
  // No more than was asked for is known.
  const back = Math.min(24, statistics.hours);
  const failedLately = hours && sumSince(hours, now() - back * 3_600_000);
  return html`<section class="card numbers" aria-label="Now">
    <${Figure} name="Running" value=${statuses.PROCESSING ?? 0} tone="busy" href=${link('tasks', { status: 'PROCESSING' })} />
    <${Figure} name="Ready" value=${ready} href=${link('tasks', { status: 'PENDING' })} />
    <${Figure} name="Need an answer" value=${statuses.INPUT_REQUIRED ?? 0} tone="wait" href=${link('tasks', { status: 'INPUT_REQUIRED' })} />
    ${failedLately === undefined
      ? html`<${Figure} name="Failed" value=${statuses.FAILED ?? 0} tone="bad" href=${link('tasks', { status: 'FAILED' })} />`
      : html`<${Figure} name="Failed, last ${back} h" value=${failedLately} tone="bad" href=${link('tasks', { status: 'FAILED' })} />`}
    <${Pace} />
    <${Figure} name="All tasks kept" value=${statistics.total} href=${link('tasks')} />
  </section>`;
}

const sumSince = (hours, since) => hours
  .filter((hour) => new Date(hour.hour).getTime() >= since)
  .reduce((sum, hour) => sum + hour.failed, 0);

/** A colour means something only where there is something. */
function Figure({ name, value, tone, href }) {
  return html`<a href=${href} title=${exactCount(value)}>
    <span class="label">${name}</span>
    <b class=${value ? tone : ''}>${count(value)}</b>
  </a>`;
}

/** Finished tasks a second, over the last ten. */
function Pace() {
  const [finished, setFinished] = useState(null);
  useEffect(() => {
    const measure = () => {
      const [good, bad] = [recentRate('completed'), recentRate('failed')];
      setFinished(good === null || bad === null ? null : good + bad);
    };
    measure();
    const timer = setInterval(measure, 1000);
    const off = onChange(measure);
    return () => {
      clearInterval(timer);
      off();
    };
  }, []);
  return html`<div><span class="label">Finished a second</span><b>${rate(finished)}</b></div>`;
}
