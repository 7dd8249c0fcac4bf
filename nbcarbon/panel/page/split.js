// @ts-check
// How much of the session's energy cells used, as a bar and in words.

import { h, line, put } from "./elements.js";

/** @import { Part, Shared } from "./view.js" */

/** @returns {Part} */
export function split(/** @type {Shared} */ { store }) {
  const part = h("i");
  const bar = h("div", { class: "nbc-split", "aria-hidden": "true", hidden: "" }, part);
  const words = line("foot");

  function draw() {
    if (store.state === null) return;
    const fraction = store.state.cells_fraction;
    bar.hidden = fraction === null;
    part.style.width = `${100 * (fraction ?? 0)}%`;
    put(words, store.state.text.split);
  }

  return { root: h("div", {}, bar, words), draw };
}
