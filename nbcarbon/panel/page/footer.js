// @ts-check
// The last lines: that no news came, that the kernel is busy, and what it answered.

import { h, line, put } from "./elements.js";

/** @import { Part, Shared } from "./view.js" */

const LATE = 3; // times what was announced
const SAID_MS = 20_000;

/** @returns {Part} */
export function footer(/** @type {Shared} */ { store, signal }) {
  const [silence, busy] = [line("silence"), line("busy")];
  const said = h("div", { class: "nbc-said", role: "status" });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  /** While a cell runs, news is due. */
  function noNews() {
    const silent_s = (performance.now() - store.heardAt) / 1000;
    const { state } = store;
    const isLate = state?.running === true && silent_s > LATE * state.next_s;
    return isLate ? `No news for ${Math.floor(silent_s)} s.` : "";
  }

  function draw() {
    const isRunning = store.state?.running === true;
    const isSaid = performance.now() - store.saidAt < SAID_MS;
    put(silence, store.over ? "nbcarbon is not loaded in this kernel any more." : noNews());
    put(busy, isRunning ? "The kernel is busy: changes take effect when the cell ends." : "");
    put(said, isSaid ? store.said : "");
    said.hidden = false; // a reader announces what changes in a line that was there before
    clearTimeout(timer);
    if (isRunning || isSaid) timer = setTimeout(draw, 1000);
  }

  signal.addEventListener("abort", () => clearTimeout(timer));
  return { root: h("div", { class: "nbc-footer" }, silence, busy, said), draw };
}
