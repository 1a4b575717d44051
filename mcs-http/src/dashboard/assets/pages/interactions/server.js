// What one MCP server did, in figures and a chart by the hour.
import { html } from '../../ui.js';
import { count, duration, exact, percent, rate } from '../../format.js';

const WIDTH = 480;
const HEIGHT = 64;

/** A card of `server`, as `/api/v2/statistics` tells of it. `choose` shows its calls alone, or all again. */
export function Server({ server, hours, chosen, choose }) {
  const millis = (value) => (value === undefined ? '–' : duration(value / 1000));
  return html`<section class=${`card server ${chosen ? 'chosen' : ''}`}>
    <div class="card-head">
      <h2>${server.mcp_id}</h2>
      <button type="button" class="button small" aria-pressed=${chosen} onClick=${choose}>${chosen ? 'Show all' : 'Only this'}</button>
    </div>
    <${Chart} server=${server} hours=${hours} />
    <dl class="figures">
      <div><dt>Calls</dt><dd>${count(server.calls)}</dd></div>
      <div><dt>A minute</dt><dd>${rate(server.calls_per_minute)}</dd></div>
      <div><dt>Errors</dt><dd class=${server.error_rate > 0.05 ? 'bad' : ''}>${percent(server.error_rate)}</dd></div>
      <div><dt>p50</dt><dd>${millis(server.p50_ms)}</dd></div>
      <div><dt>p95</dt><dd>${millis(server.p95_ms)}</dd></div>
    </dl>
  </section>`;
}

// Bars of calls, with the part of them that failed below: hours without any are gaps, which a line would hide.
function Chart({ server, hours }) {
  const last = Math.floor(Date.now() / 3_600_000);
  const first = last - hours + 1;
  const byHour = new Map(server.hours.map((hour) => [Math.floor(Date.parse(hour.hour) / 3_600_000), hour]));
  const most = Math.max(1, ...server.hours.map((hour) => hour.calls));
  const width = WIDTH / hours;
  const bar = (value) => Math.max((value / most) * HEIGHT, value ? 2 : 0);
  const bars = [];
  for (let hour = first; hour <= last; hour += 1) {
    const found = byHour.get(hour);
    if (!found) continue;
    const x = (hour - first) * width;
    const title = `${exact(hour * 3_600_000)}: ${count(found.calls)} calls, ${count(found.errors)} errors`;
    bars.push(html`<g key=${hour}><title>${title}</title>
      <rect class="calls" x=${x} y=${HEIGHT - bar(found.calls)} width=${Math.max(width - 1, 1)} height=${bar(found.calls)}></rect>
      <rect class="errors" x=${x} y=${HEIGHT - bar(found.errors)} width=${Math.max(width - 1, 1)} height=${bar(found.errors)}></rect></g>`);
  }
  const label = `Calls of ${server.mcp_id} by the hour, at most ${count(most)} in one`;
  return html`<figure class="bars">
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label=${label}>${bars}</svg>
    <figcaption><span>${hours} h ago</span><span>at most ${count(most)} an hour</span><span>now</span></figcaption>
  </figure>`;
}
