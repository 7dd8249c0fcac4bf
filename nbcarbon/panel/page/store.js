// @ts-check
// What is known of a session, one for each model: messages go in, whoever shows it hears what changed.
//
// Parts of the page read from here and keep nothing of their own.

import { MOST_RUNS, understood } from "./protocol.js";
import { Timeline } from "./timeline.js";

/** @import { Run, Running, State } from "./protocol.js" */
/**
 * What may change. `session`: all of it. `state`: the latest figures. `step`: these, and one more
 * point. `history`: many points. `cells`: what has run. `said`: an answer. `over`: nothing more comes.
 * @typedef {"session" | "state" | "step" | "history" | "cells" | "said" | "over"} Change
 */

export class Store {
  constructor() {
    this.session = "";
    /** @type {State | null} */
    this.state = null;
    this.timeline = new Timeline();
    /** @type {Map<number, Run>} */
    this.runs = new Map();
    /** @type {Running | null} the cell that runs, until it is among the runs */
    this.running = null;
    this.said = "";
    this.saidAt = -Infinity;
    this.heardAt = performance.now();
    this.over = false;
    this.asked = false;
    /** @type {Set<(change: Change) => void>} */
    this.watchers = new Set();
    /** @type {(what: string) => void} */
    this.need = () => {};
  }

  /** Take in a message; watchers hear what changed. */
  take(/** @type {any} */ message) {
    const type = understood(message);
    if (type === "") return;
    if (type === "other") {
      this.#say("This page and the kernel run different versions of nbcarbon: reload the page.");
      return;
    }
    if (message.session !== undefined) this.#begin(message.session);
    if (type === "state") this.#takeState(message);
    else if (type === "cell") this.#takeRuns([message]);
    else if (type === "cells") this.#takeRuns(message.cells);
    else if (type === "said") this.#say(message.text);
    else if (type === "history") {
      this.asked = false;
      this.timeline.replace(message);
      this.#tell("history");
    } else if (type === "bye") {
      this.over = true;
      this.#tell("over");
    }
  }

  #tell(/** @type {Change} */ change) {
    for (const watcher of this.watchers) watcher(change);
  }

  #say(/** @type {string} */ words) {
    [this.said, this.saidAt] = [words, performance.now()];
    this.#tell("said");
  }

  /** Another session than before: everything known so far belongs to one that is over. */
  #begin(/** @type {string} */ session) {
    this.over = false;
    if (session === this.session) return;
    this.session = session;
    this.runs.clear();
    this.timeline = new Timeline();
    [this.state, this.running, this.asked] = [null, null, false];
    this.#tell("session");
  }

  #takeState(/** @type {State} */ state) {
    this.heardAt = performance.now();
    this.state = state;
    this.running = state.running ? state.cell : null;
    if (this.timeline.misses(state) && !this.asked) {
      this.asked = true;
      this.need("history");
    }
    this.#tell(this.timeline.add(state) || "state");
  }

  #takeRuns(/** @type {Run[]} */ runs) {
    for (const run of runs) {
      this.runs.set(run.index, run);
      if (this.runs.size > MOST_RUNS) this.runs.delete(this.runs.keys().next().value ?? 0);
      if (this.running !== null && run.end_ms >= this.running.start_ms) this.running = null;
    }
    this.#tell("cells");
  }

  /** Cells as bars, the one that runs among them. */
  bars() {
    const bars = [...this.runs.values()].map(({ name, start_ms, end_ms, text }) => {
      return { left: start_ms, right: end_ms, name, energy: text.energy };
    });
    const end = this.timeline.t.at(-1);
    if (this.running !== null && end !== undefined && end > this.running.start_ms) {
      const { name, start_ms } = this.running;
      bars.push({ left: start_ms, right: end, name, energy: "running" });
    }
    return bars;
  }

  /** The latest run of each cell, the most energy first. */
  latest() {
    /** @type {Map<string | number, Run>} */
    const found = new Map();
    for (const run of [...this.runs.values()].sort((a, b) => a.index - b.index)) {
      found.set(run.id ?? run.index, run);
    }
    return [...found.values()].sort((a, b) => (b.energy_j ?? 0) - (a.energy_j ?? 0));
  }
}
