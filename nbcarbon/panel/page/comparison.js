// @ts-check
// Which line of the emissions chart is which zone, and what they differ by, in words.

import { h, key, line, put } from "./elements.js";

/** @import { Part, Shared } from "./view.js" */

/** @returns {Part} */
export function comparison(/** @type {Shared} */ { store }) {
  const zones = h("ul", { class: "nbc-legend" });
  const words = line("whatif");

  function draw() {
    if (store.state === null) return;
    const { zone, what_if, text } = store.state;
    const keys = what_if && [key(zone ?? "here", "solid"), key(what_if.zone, "dashed")];
    zones.replaceChildren(...(keys ?? []));
    put(words, text.what_if || "Choose a zone to compare below.");
  }

  return { root: h("div", {}, zones, words), draw };
}
