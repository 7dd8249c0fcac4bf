// @ts-check
// Round numbers for the axes: the highest tick, and times of day.

const STEPS = [1, 1.5, 2, 3, 4, 5, 6, 8, 10];
/** @type {[number, string][]} */
const PREFIXES = [
  [1e6, "M"],
  [1e3, "k"],
  [1, ""],
  [1e-3, "m"],
  [1e-6, "µ"],
];
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const TIME_STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12, 24, 48, 168].map((n) => n * HOUR),
];

/** The round number at or above a value, and how an axis writes it: as charts.py does. */
export function roundUp(/** @type {number} */ most, /** @type {string} */ unit) {
  if (!(most > 0)) return { top: 1, label: "" };
  const whole = 10 ** Math.floor(Math.log10(most));
  const top = (STEPS.find((step) => step * whole >= most * (1 - 1e-9)) ?? 10) * whole;
  const [factor, prefix] = PREFIXES.find(([least]) => top >= least * 0.999) ?? [1e-6, "µ"];
  return { top, label: `${Number((top / factor).toPrecision(3))} ${prefix}${unit}` };
}

/** Round local times in a window, none so near an edge that its label would be cut off. */
export function timeTicks(
  /** @type {number} */ start,
  /** @type {number} */ end,
  /** @type {number} */ px,
) {
  const perPx = (end - start) / Math.max(px, 1);
  const widthOf = (/** @type {number} */ step) => (step < MINUTE ? 62 : 40);
  const step = TIME_STEPS.find((each) => each / perPx >= widthOf(each)) ?? 720 * HOUR;
  const offset = new Date(end).getTimezoneOffset() * MINUTE;
  const edge = (step < MINUTE ? 24 : 15) * perPx;
  /** @type {Map<number, string>} */
  const labels = new Map();
  const first = Math.ceil((start + edge - offset) / step) * step + offset;
  for (let t = first; t <= end - edge && labels.size < 20; t += step)
    labels.set(t, timeLabel(t, step));
  return labels;
}

function timeLabel(/** @type {number} */ t, /** @type {number} */ step) {
  const date = new Date(t);
  if (step < 24 * HOUR) return date.toTimeString().slice(0, step < MINUTE ? 8 : 5);
  return date.toLocaleDateString(undefined, { day: "numeric", month: "short" });
}
