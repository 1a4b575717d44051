import { count, duration, exactCount, money, percent } from '../../format.js';
import { Chart } from '../../parts/chart.js';
import { now } from '../../now.js';
import { currentSession } from '../../session.js';
import { html, useMemo } from '../../ui.js';

/** The service keeps 48 of them. */
const RANGES = [[12, '12 hours'], [24, '24 hours'], [48, '48 hours']];

const FINISHED = [
  { label: 'Finished', colour: '--accent', shape: 'bars' },
  { label: 'Failed', colour: '--bad', shape: 'bars' },
];
const RUN = [
  { label: 'p50', colour: '--accent', shape: 'line' },
  { label: 'p95', colour: '--wait', shape: 'line', dashed: true },
];
const COST = [{ label: 'US dollars', colour: '--accent', shape: 'bars' }];
const TOKENS = [
  { label: 'Read', colour: '--accent', shape: 'line' },
  { label: 'Written', colour: '--good', shape: 'line', dashed: true },
];

/** What was done hour by hour. Only an admin sees what everybody's tasks add up to. */
export function History({ history, hours, chosen, onHours }) {
  if (!history) return html`<${NotHere} />`;
  return html`<section class="stack" aria-labelledby="history">
    <div class="section-head">
      <h2 id="history">Hour by hour</h2>
      <div class="segments" role="group" aria-label="How far back">
        ${RANGES.map(([value, name]) => html`
          <button key=${value} aria-pressed=${String(value === chosen)} onClick=${() => onHours(value)}>${name}</button>`)}
      </div>
    </div>
    <${Charts} history=${history} hours=${hours} />
  </section>`;
}

function Charts({ history, hours }) {
  const { total } = history;
  const time = hours > 24 ? byDay : byHour;
  const last = Math.floor(now() / 3_600_000) * 3600;
  const columns = useMemo(() => {
    const slots = slotted(history, hours, last);
    const of = (...picks) => [slots.map(([at]) => at), ...picks.map((pick) => slots.map(([, work]) => pick(work)))];
    return {
      finished: of((work) => work && work.completed + work.failed, (work) => work && work.failed),
      run: of((work) => work.run?.p50_seconds ?? null, (work) => work.run?.p95_seconds ?? null),
      cost: of((work) => work && work.cost_usd),
      tokens: of((work) => work && work.input_tokens, (work) => work && work.output_tokens),
    };
  }, [history, hours, last]);
  const finished = total.completed + total.failed;
  return html`<div class="charts">
    <${Chart} title="Finished tasks" note=${total.success_rate === undefined ? '' : `${percent(total.success_rate)} succeeded`}
      series=${FINISHED} columns=${columns.finished} format=${count} time=${time}
      summary="${exactCount(finished)} in all, of which ${exactCount(total.failed)} failed" />
    <${Chart} title="Run time" note=${total.run.p95_seconds === undefined ? '' : `p95 ${duration(total.run.p95_seconds)}`}
      series=${RUN} columns=${columns.run} format=${duration} time=${time}
      summary="half within ${duration(total.run.p50_seconds)}, 95 % within ${duration(total.run.p95_seconds)}" />
    <${Chart} title="Cost" note="${money(total.cost_usd)} in all"
      series=${COST} columns=${columns.cost} format=${money} time=${time} summary="${money(total.cost_usd)} in all" />
    <${Chart} title="Tokens" note="${count(total.input_tokens + total.output_tokens)} in all"
      series=${TOKENS} columns=${columns.tokens} format=${count} time=${time}
      summary="${exactCount(total.input_tokens)} read, ${exactCount(total.output_tokens)} written" />
  </div>`;
}

/** One slot an hour up to the `last`, with 0 where nothing is told: the service leaves out hours in which nothing happened. */
function slotted(history, hours, last) {
  const told = new Map(history.hours.map((hour) => [new Date(hour.hour).getTime() / 1000, hour]));
  return Array.from({ length: hours }, (_, index) => {
    const at = last - (hours - 1 - index) * 3600;
    return [at, told.get(at) ?? 0];
  });
}

const hourOnly = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const dayOnly = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric' });
const byHour = (seconds) => hourOnly.format(seconds * 1000);
const byDay = (seconds, full) => dayOnly.format(seconds * 1000) + (full ? `, ${byHour(seconds)}` : '');

const NotHere = () => html`<div class="note">
  Charts of the past hours are for tokens with the scope <code>admin</code>, because they count everybody’s tasks. This one has
  ${' '}<code>${currentSession().scopes.join(', ')}</code>.
</div>`;
