// @ts-check
// How much of the session's energy cells used, as a bar and in words, and what all of it was made of.

import { h, line, put } from "./elements.js";

/** @import { Part, Shared } from "./view.js" */

/** @returns {Part} */
export function split(/** @type {Shared} */ { store }) {
  const part = h("i");
  const bar = h("div", { class: "nbc-split", "aria-hidden": "true", hidden: "" }, part);
  const [words, madeOf] = [line("foot"), line("foot")];

  function draw() {
    if (store.state === null) return;
    const fraction = store.state.cells_fraction;
    bar.hidden = fraction === null;
    part.style.width = `${100 * (fraction ?? 0)}%`;
    put(words, store.state.text.split);
    put(madeOf, store.state.text.lifecycle);
  }

  return { root: h("div", {}, bar, words, madeOf), draw };
}
