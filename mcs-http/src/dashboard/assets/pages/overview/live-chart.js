import { rate, timeOfDay } from '../../format.js';
import { Chart } from '../../parts/chart.js';
import { recentColumns } from '../../recent.js';
import { html, useEffect, useState } from '../../ui.js';

const KINDS = ['started', 'completed', 'failed'];
const SERIES = [
  { label: 'Started', colour: '--quiet', shape: 'line', dashed: true, gaps: true },
  { label: 'Completed', colour: '--accent', shape: 'area', gaps: true },
  { label: 'Failed', colour: '--bad', shape: 'line', gaps: true },
];

/** The last minutes, a point a second: as many as it was looked at, up to five. */
export function LiveChart() {
  const [columns, setColumns] = useState(() => recentColumns(KINDS));
  useEffect(() => {
    const timer = setInterval(() => setColumns(recentColumns(KINDS)), 1000);
    return () => clearInterval(timer);
  }, []);
  const [, , completed, failed] = columns;
  const last = columns[0].length - 1;
  return html`<${Chart} title="Right now" note="tasks a second" series=${SERIES} columns=${columns} format=${rate}
    time=${time} height=${170}
    summary="${rate(completed[last])} completed and ${rate(failed[last])} failed a second at the moment" />`;
}

/** Below the chart the seconds are only said where they are not 0. */
const time = (seconds, full) => (full || seconds % 60 ? timeOfDay(seconds * 1000) : timeOfDay(seconds * 1000).slice(0, 5));
