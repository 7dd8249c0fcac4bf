// @ts-check
// What of the kernel's messages is believed (docs/wire.md), and how they are called here.
//
// Nothing comes into the page but through `understood`: whoever reads a message later may rely on it.

/** @typedef {{name: string, kind: string, power_w: number | null}} Part */
/** @typedef {{name: string, kind: string, power_w: (number | null)[]}} PartHistory */
/** @typedef {{id: string | null, name: string, start_ms: number}} Running */
/** @typedef {{index: number, id: string | null, name: string, runs: number, start_ms: number, end_ms: number, energy_j: number | null, known: string, text: {energy: string, tooltip: string}}} Run */
/** @typedef {{from_ms: number | null, t_ms: number, next_s: number, running: boolean, cell: Running | null, emissions_g: number | null, known: string, parts: Part[], zone: string | null, cells_fraction: number | null, what_if: {zone: string, emissions_g: number | null} | null, warning: {text: string, action: string} | null, text: Record<string, string>}} State */
/** @typedef {{t_ms: number[], parts: PartHistory[], emissions_g: (number | null)[], what_if_g: (number | null)[] | null}} History */
/** @typedef {(value: any) => boolean} Check */

export const VERSION = 1;
export const MOST_POINTS = 600;
export const MOST_SLOTS = 16;
export const MOST_RUNS = 2000;

/** @type {Check} */
const text = (value) => typeof value === "string";
/** @type {Check} */
const number = (value) => Number.isFinite(value);
/** @type {Check} */
const flag = (value) => typeof value === "boolean";
/** @type {(check: Check) => Check} */
const orNull = (check) => (value) => value === null || check(value);
/** @type {(check: Check, most: number) => Check} */
const list = (check, most) => (value) =>
  Array.isArray(value) && value.length <= most && value.every(check);
/** @type {(checks: Record<string, Check>) => Check} */
const shape = (checks) => (value) =>
  typeof value === "object" &&
  value !== null &&
  Object.entries(checks).every(([name, check]) => check(value[name]));

const WORDS = [
  ...["power", "energy", "energy_range", "emissions", "emissions_range", "equivalent", "known"],
  ...["zone", "place", "session", "running", "split", "lifecycle", "what_if"],
];

const STATE = shape({
  session: text,
  from_ms: orNull(number),
  t_ms: number,
  next_s: number,
  running: flag,
  cell: orNull(shape({ id: orNull(text), name: text, start_ms: number })),
  emissions_g: orNull(number),
  known: text,
  parts: list(shape({ name: text, kind: text, power_w: orNull(number) }), MOST_SLOTS),
  zone: orNull(text),
  cells_fraction: orNull(number),
  what_if: orNull(shape({ zone: text, emissions_g: orNull(number) })),
  warning: orNull(shape({ text, action: text })),
  text: shape(Object.fromEntries(WORDS.map((word) => [word, text]))),
});

const RUN = shape({
  index: number,
  id: orNull(text),
  name: text,
  runs: number,
  start_ms: number,
  end_ms: number,
  energy_j: orNull(number),
  known: text,
  text: shape({ energy: text, tooltip: text }),
});

const COLUMN = list(orNull(number), MOST_POINTS);
const HISTORY = shape({
  session: text,
  t_ms: list(number, MOST_POINTS),
  parts: list(shape({ name: text, kind: text, power_w: COLUMN }), 4 * MOST_SLOTS),
  emissions_g: COLUMN,
  what_if_g: orNull(COLUMN),
});

/** Ends and intervals are as many as they have to be. */
function isEven(/** @type {History} */ { t_ms, parts, emissions_g, what_if_g }) {
  return (
    emissions_g.length === t_ms.length &&
    (what_if_g === null || what_if_g.length === t_ms.length) &&
    parts.every((part) => part.power_w.length === Math.max(0, t_ms.length - 1))
  );
}

/** @type {Record<string, Check>} */
const MESSAGES = {
  state: STATE,
  cell: (value) => text(value.session) && RUN(value),
  cells: shape({ session: text, cells: list(RUN, MOST_RUNS) }),
  history: (value) => HISTORY(value) && isEven(value),
  said: shape({ ok: flag, text }),
  bokehjs: shape({ version: text, encoding: (value) => value === "deflate" }),
  bye: () => true,
};

/**
 * The type of a message that is what docs/wire.md says; "other" for one of another version, and ""
 * for what is none of ours.
 */
export function understood(/** @type {any} */ message) {
  if (typeof message !== "object" || message === null || !text(message.type)) return "";
  if (!Object.hasOwn(MESSAGES, message.type)) return "";
  if (message.v !== VERSION) return number(message.v) ? "other" : "";
  return MESSAGES[message.type](message) ? message.type : "";
}
