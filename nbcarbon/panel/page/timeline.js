// @ts-check
// The numbers that the charts draw: power of each device and CO₂e, by time.
//
// `t` are ends of intervals. A slot's power stands at its interval's end, so the first says nothing.
// What was not observed is null.

import { MOST_POINTS, MOST_SLOTS } from "./protocol.js";

/** @import { History, Part, State } from "./protocol.js" */
/** @typedef {(number | null)[]} Column */
/** @typedef {{name: string, kind: string, w: Column}} Slot */
/** @typedef {{t: number, parts: Part[], here: number | null, there: number | null}} Row */

export class Timeline {
  constructor() {
    /** @type {number[]} */
    this.t = [];
    /** @type {Slot[]} one for each device, in the order they are stacked */
    this.slots = [];
    /** @type {Column} CO₂e since the session began */
    this.here = [];
    /** @type {Column} the same in the zone to compare with */
    this.there = [];
  }

  /** Whether something happened between what is known and the interval of a state. */
  misses(/** @type {State} */ { from_ms }) {
    const last = this.t.at(-1);
    return last !== undefined && from_ms !== null && from_ms > last;
  }

  /**
   * Add what a state says of its interval. Where something is missed, that is a gap.
   *
   * @returns {"" | "step" | "history"} what changed: nothing, one more point, or more than that
   */
  add(/** @type {State} */ state) {
    if (state.t_ms <= (this.t.at(-1) ?? -Infinity)) return "";
    const missed = this.misses(state);
    const slots = this.slots.length;
    const here = this.here.at(-1) ?? null;
    if (missed) this.#append({ t: Number(state.from_ms), parts: [], here, there: null });
    const there = state.what_if?.emissions_g ?? null;
    this.#append({ t: state.t_ms, parts: state.parts, here: state.emissions_g, there });
    return missed || this.slots.length > slots ? "history" : "step";
  }

  /** A history says more than the states so far, except of what came after it. */
  replace(/** @type {History} */ history) {
    const last = history.t_ms.at(-1) ?? -Infinity;
    const later = this.t.flatMap((t, at) => (t > last ? [this.#row(at)] : []));
    this.t = [...history.t_ms];
    this.slots = history.parts.slice(0, MOST_SLOTS).map(({ name, kind, power_w }) => ({
      name,
      kind,
      w: [0, ...power_w].slice(0, this.t.length),
    }));
    this.here = [...history.emissions_g];
    this.there = history.what_if_g === null ? this.t.map(() => null) : [...history.what_if_g];
    for (const row of later) this.#append(row);
  }

  /** @returns {Row} */
  #row(/** @type {number} */ at) {
    const parts = this.slots.map(({ name, kind, w }) => ({ name, kind, power_w: w[at] }));
    return { t: this.t[at], parts, here: this.here[at], there: this.there[at] };
  }

  #append(/** @type {Row} */ row) {
    for (const { name, kind } of row.parts) {
      if (this.slots.length < MOST_SLOTS && !this.slots.some((slot) => slot.name === name)) {
        this.slots.push({ name, kind, w: this.t.map(() => 0) });
      }
    }
    const first = this.t.length === 0;
    const powers = new Map(row.parts.map((part) => [part.name, part.power_w]));
    for (const slot of this.slots) slot.w.push(first ? 0 : (powers.get(slot.name) ?? null));
    this.t.push(row.t);
    this.here.push(row.here);
    this.there.push(row.there);
    if (this.t.length <= MOST_POINTS) return;
    const columns = [this.t, this.here, this.there, ...this.slots.map((slot) => slot.w)];
    for (const column of columns) column.shift();
  }

  /** Where a device was not observed, joined where such intervals touch. */
  gaps() {
    /** @type {{left: number[], right: number[]}} */
    const found = { left: [], right: [] };
    for (let at = 1; at < this.t.length; at++) {
      if (!this.slots.some((slot) => slot.w[at] === null)) continue;
      if (found.right.at(-1) === this.t[at - 1]) found.right[found.right.length - 1] = this.t[at];
      else {
        found.left.push(this.t[at - 1]);
        found.right.push(this.t[at]);
      }
    }
    return found;
  }

  /** The highest sum of power, and the most CO₂e, of what a window of time shows. */
  highest(/** @type {number} */ start, /** @type {number} */ end) {
    const after = this.t.findIndex((t) => t > start);
    const until = this.t.findIndex((t) => t >= end);
    const last = until < 0 ? this.t.length - 1 : until;
    let [watts, grams] = [0, 0];
    for (let at = after < 0 ? last + 1 : after; at <= last; at++) {
      const sum = this.slots.reduce((sum, slot) => sum + (slot.w[at] ?? 0), 0);
      if (at > 0) watts = Math.max(watts, sum);
      grams = Math.max(grams, this.here[at] ?? 0, this.there[at] ?? 0);
    }
    return { watts, grams };
  }
}
