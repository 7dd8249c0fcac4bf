// @ts-check
// What part of a session's time is shown, in both charts at once, and when they are laid out anew.

/** @import { Change, Store } from "./store.js" */

const RECENT_MS = 600_000;
const SHORTEST_MS = 10_000;

export class Span {
  constructor(/** @type {Store} */ store, /** @type {AbortSignal} */ signal) {
    this.store = store;
    /** @type {"recent" | "all" | "free"} */
    this.mode = "recent";
    this.start = 0;
    this.end = 0;
    /** @type {(() => void)[]} */
    this.watchers = [];
    this.frame = 0;
    signal.addEventListener("abort", () => cancelAnimationFrame(this.frame));
  }

  draw(/** @type {Change} */ change) {
    if (change === "session") this.mode = "recent";
    if (["session", "step", "history", "cells"].includes(change)) this.arrange();
  }

  /** Of the whole session. */
  get bounds() {
    const { t } = this.store.timeline;
    const end = t.at(-1) ?? Date.now();
    return { first: Math.min(t[0] ?? end, end - SHORTEST_MS), end };
  }

  get isLong() {
    return this.bounds.end - this.bounds.first > RECENT_MS;
  }

  get isWhole() {
    const { first, end } = this.bounds;
    return this.start <= first + 1 && this.end >= end - 1;
  }

  show(/** @type {"recent" | "all"} */ mode) {
    this.mode = mode;
    this.arrange();
  }

  /** The user zoomed or dragged. */
  move(/** @type {number} */ start, /** @type {number} */ end) {
    [this.start, this.end] = [start, end];
    this.mode = this.isWhole ? "all" : "free";
    this.arrange();
  }

  /** Lay out again, at most once a frame. */
  arrange() {
    if (this.frame !== 0) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      const { first, end } = this.bounds;
      if (this.mode === "all") [this.start, this.end] = [first, end];
      if (this.mode === "recent") [this.start, this.end] = [Math.max(first, end - RECENT_MS), end];
      for (const watcher of this.watchers) watcher();
    });
  }
}
