// @ts-check
// Power at this moment, and what runs.

import { h, line, put } from "./elements.js";

/** @import { Part, Shared } from "./view.js" */

/** @returns {Part} */
export function now(/** @type {Shared} */ { store }) {
  const [power, running] = [line("co2"), line("range")];

  function draw() {
    put(power, store.state?.text.power ?? "");
    put(running, store.state?.text.running ?? "");
  }

  return { root: h("div", { class: "nbc-row" }, power, running), draw };
}
