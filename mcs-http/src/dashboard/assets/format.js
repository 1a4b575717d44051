import { now as serviceNow } from './now.js';

// How numbers and times are written. Numbers are always grouped the same way, so that columns line up.

const whole = new Intl.NumberFormat('en-US');
const short = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });
const finer = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 2 });
const share = new Intl.NumberFormat('en-US', { style: 'percent', maximumFractionDigits: 1 });
const dollars = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const cents = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 3 });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' });
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });

/** What stands where there is nothing to show. */
export const NOTHING = '–';

const missing = (value) => value === undefined || value === null || Number.isNaN(value);

// Values beside an axis are `step` apart, and as many digits are written as tell one from the next.

/** The digits behind the point that `step` has. */
function decimals(step) {
  let digits = 0;
  while (digits < 8 && Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) > 1e-6) digits += 1;
  return digits;
}

/** 1,234, and from 100,000 on 123.5K. */
export function count(value, step) {
  if (missing(value)) return NOTHING;
  if (Math.abs(value) < 100_000) return whole.format(value);
  return (step ? finer : short).format(value);
}

export const exactCount = (value) => (missing(value) ? NOTHING : whole.format(value));

/** A rate: more digits for what is small. */
export function rate(value, step) {
  if (missing(value)) return NOTHING;
  if (step && step < 1) return value.toFixed(decimals(step));
  if (value > 0 && value < 0.1) return '<0.1';
  if (value !== 0 && Math.abs(value) < 10) return value.toFixed(1);
  return count(Math.round(value));
}

/** A share. One that is not whole is never said to be. */
export function percent(value) {
  if (missing(value)) return NOTHING;
  return value < 1 && value > 0.9995 ? `>${share.format(0.999)}` : share.format(value);
}

/** US dollars, with as many digits as a price of a call needs. */
export function money(value, step) {
  if (missing(value)) return NOTHING;
  if (value === 0) return '$0';
  if (step) return `$${value.toFixed(Math.max(2, decimals(step)))}`;
  if (Math.abs(value) < 0.01) return `$${value.toPrecision(2)}`;
  return `$${(Math.abs(value) < 1 ? cents : dollars).format(value)}`;
}

/** A duration: 340 ms, 1.2 s, 3 m 20 s, 2 h 5 m, 4 d 3 h. */
export function duration(seconds, step) {
  if (missing(seconds)) return NOTHING;
  if (step % 1 && seconds >= 1 && seconds < 60) return `${seconds.toFixed(decimals(step))} s`;
  if (seconds < 0.001) return seconds <= 0 ? '0 ms' : '<1 ms';
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const rest = Math.round(seconds);
  const steps = [[86_400, 'd', 3600, 'h'], [3600, 'h', 60, 'm'], [60, 'm', 1, 's']];
  for (const [large, largeName, small, smallName] of steps) {
    if (rest >= large) {
      const left = Math.floor((rest % large) / small);
      return `${Math.floor(rest / large)} ${largeName}${left ? ` ${left} ${smallName}` : ''}`;
    }
  }
  return `${rest} s`;
}

export function bytes(value) {
  if (missing(value)) return NOTHING;
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  let step = 0;
  while (value >= 1024 && step < units.length - 1) {
    value /= 1024;
    step += 1;
  }
  return `${step && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[step]}`;
}

/** How long ago, or in how long: just now, 12 s ago, 3 m ago, in 5 h. Coarse, so that a list of them stays calm. */
export function ago(time, now = serviceNow()) {
  if (!time) return NOTHING;
  const seconds = (now - new Date(time).getTime()) / 1000;
  const distance = Math.abs(seconds);
  if (distance < 2) return 'just now';
  const text = coarse(distance);
  return seconds > 0 ? `${text} ago` : `in ${text}`;
}

function coarse(seconds) {
  for (const [size, name] of [[86_400, 'd'], [3600, 'h'], [60, 'm']]) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${name}`;
  }
  return `${Math.floor(seconds)} s`;
}

export const exact = (time) => (time ? full.format(new Date(time)) : NOTHING);
export const timeOfDay = (time) => clock.format(new Date(time));

/** What a task is called in lists. Of a payload that stands for a preview, what it asks for says more than its braces. */
export function titleOf({ preview = '', kind }) {
  const text = preview.trim();
  const asks = text.startsWith('{') && /"(?:prompt|program)"\s*:\s*"((?:[^"\\]|\\.)+)/s.exec(text);
  return asks ? unescaped(asks[1]).trim() || text : text || kind;
}

/** The text of a JSON string, of which the end may be cut off. */
function unescaped(text) {
  try {
    return JSON.parse(`"${text}"`);
  } catch {
    return text;
  }
}

/** The end of an id, which tells ids of one moment apart, since their beginning is the time. */
export const shortId = (id) => id.slice(-8);

/** "1 task", "2 tasks". */
export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;
