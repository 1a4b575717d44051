import { html, useEffect, useRef, useState } from '../ui.js';
import { onTheme } from './theme-switch.js';

/**
 * @typedef {object} Series
 * @property {string} label
 * @property {string} colour the name of a token, such as `--accent`
 * @property {'line'|'area'|'bars'} shape
 * @property {boolean} [dashed] tells two lines apart without their colours
 * @property {boolean} [gaps] leaves the line open where nothing is known
 */

/** Seconds between the times that are written below. */
const STEPS = [0.25, 0.5, 1, 5, 10, 30, 60, 120, 240, 480, 720, 1440].map((minutes) => minutes * 60);

/** So many points are drawn as points, too. */
const FEW = 48;

let library;
/** The library comes with the first chart, so that it does not stand in the way of the first words. */
const loadLibrary = () => (library ??= import('../vendor/uplot.js').then((module) => module.default));

let line = Promise.resolve();
/** Draws one chart after the other, each in a moment of its own, so that the page answers in between. */
const inTurn = (draw) => {
  line = line.then(() => new Promise((done) => setTimeout(() => done(draw())))).catch((error) => console.error(error));
};

/**
 * A chart over time. `columns` are times in seconds and one column of numbers for each series; how many points there are
 * is bounded by whoever makes them.
 * @param {{title: string, note?: unknown, series: Series[], columns: number[][], format: (value: number, step?: number) => string,
 *   time: (seconds: number, index: number) => string, height?: number, summary: string}} props
 */
export function Chart({ title, note, series, columns, format, time, height = 180, summary }) {
  const frame = useRef();
  const values = useRef([]);
  const at = useRef();
  const chart = useRef(null);
  const latest = useRef();
  latest.current = columns;
  const [theme, setTheme] = useState(0);
  useEffect(() => onTheme(() => setTheme((count) => count + 1)), []);

  useEffect(() => {
    let wanted = true;
    let watch;
    const follow = (plot) => tell(plot, series, format, time, values.current, at.current);
    loadLibrary().then((UPlot) => inTurn(() => {
      if (!wanted || !frame.current) return;
      const size = { width: frame.current.clientWidth, height };
      const options = { ...size, ...look(UPlot, frame.current, series, format, time), hooks: { setCursor: [follow] } };
      chart.current = new UPlot(options, latest.current, frame.current);
      follow(chart.current);
      const element = frame.current;
      watch = new ResizeObserver(() => chart.current?.setSize({ width: element.clientWidth, height }));
      watch.observe(element);
    }));
    return () => {
      wanted = false;
      watch?.disconnect();
      chart.current?.destroy();
      chart.current = null;
    };
  }, [theme, series, height, format, time]);

  useEffect(() => {
    if (!chart.current) return;
    chart.current.setData(columns);
    tell(chart.current, series, format, time, values.current, at.current);
  }, [columns]);

  return html`<figure class="card chart">
    <figcaption>
      <h2>${title} ${note && html`<small>${note}</small>`}</h2>
      <div class="legend" aria-hidden="true">
        <span class="at" ref=${at}></span>
        ${series.map((each, index) => html`<span key=${each.label}>
          <i class="swatch ${each.shape} ${each.dashed ? 'dashed' : ''}" style=${{ color: `var(${each.colour})` }}></i>
          ${each.label} <b ref=${(element) => (values.current[index] = element)}></b>
        </span>`)}
      </div>
    </figcaption>
    ${isEmpty(columns) && html`<p class="plot-empty">Nothing in this time</p>`}
    <div class="plot" ref=${frame} role="img" aria-label="${title}: ${summary}" data-height=${height}></div>
  </figure>`;
}

/** Writes the values under the pointer, or the last ones, beside their names. */
function tell(plot, series, format, time, places, at) {
  const last = plot.data[0].length - 1;
  const pointed = plot.cursor.idx;
  const index = pointed ?? last;
  series.forEach((_, number) => {
    const place = places[number];
    if (place) place.textContent = index < 0 ? '' : format(plot.data[number + 1][index]);
  });
  if (at) at.textContent = pointed === null || pointed === undefined ? '' : time(plot.data[0][pointed], 1);
}

function look(UPlot, frame, series, format, time) {
  const colour = (name) => resolved(frame, `var(${name})`);
  const axis = { stroke: colour('--quiet'), font: `11px ${getComputedStyle(frame).fontFamily}`, ticks: { show: false } };
  return {
    padding: [10, 18, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
    scales: { x: { time: true, range: roomFor(series) }, y: { range: (_, low, high) => [0, high > 0 ? high * 1.12 : 1] } },
    axes: [
      { ...axis, grid: { show: false }, values: (_, splits) => splits.map((split) => time(split, 0)), space: 64, size: 26, incrs: STEPS },
      { ...axis, grid: { stroke: colour('--line'), width: 1 }, values: (plot, splits) => splits.map((split) => height(plot, split, format, splits[1] - splits[0])), space: 34, size: 56, gap: 6 },
    ],
    series: [{}, ...series.map((each) => drawn(UPlot, frame, each))],
  };
}

const isEmpty = ([, ...columns]) => columns.every((column) => !column.some(Boolean));

/** The words beside a line of the grid. Where there is nothing there is no measure either. */
function height(plot, value, format, step) {
  if (value === 0) return '0';
  return isEmpty(plot.data) ? '' : format(value, step);
}

/** Bars stand around their time, so that the first and the last need room. */
function roomFor(series) {
  const bars = series.some(({ shape }) => shape === 'bars');
  return (plot, first, last) => {
    const times = plot.data[0];
    const half = bars && times.length > 1 ? (times[1] - times[0]) / 2 : 0;
    return [first - half, last + half];
  };
}

function drawn(UPlot, frame, { label, colour, shape, dashed, gaps = false }) {
  const stroke = resolved(frame, `var(${colour})`);
  const soft = (share) => resolved(frame, `color-mix(in srgb, var(${colour}) ${share}%, transparent)`);
  const common = { label, stroke, width: 1.75, points: { show: false } };
  if (shape === 'bars') {
    return { ...common, width: 0, fill: stroke, paths: UPlot.paths.bars({ size: [0.62, 26], radius: 0.15 }) };
  }
  // An hour between two of which nothing is known would not be seen without its point.
  const points = { show: (plot, index) => plot.data[0].length <= FEW && plot.data[index].includes(null), size: 5, fill: stroke };
  return { ...common, points, dash: dashed ? [5, 4] : undefined, spanGaps: !gaps, fill: shape === 'area' ? soft(14) : undefined };
}

/** A colour as a canvas takes it. Tokens stand for two colours, of which the browser chooses. */
function resolved(frame, value) {
  const probe = document.createElement('i');
  probe.style.color = value;
  frame.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
