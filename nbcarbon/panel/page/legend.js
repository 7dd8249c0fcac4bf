// @ts-check
// Which colour of the power chart is which device.

import { slotColours } from "./colours.js";
import { h, key } from "./elements.js";

/** @import { Part, Shared } from "./view.js" */

const ONE_COLUMN = 6;

/** @returns {Part} */
export function legend(/** @type {Shared} */ { store, theme }) {
  const root = h("ul", { class: "nbc-legend" });

  function paint() {
    const { slots } = store.timeline;
    const colours = slotColours(slots, theme.colours);
    root.replaceChildren(...slots.map(({ name }, at) => key(name, "square", colours[at])));
    root.toggleAttribute("data-many", slots.length > ONE_COLUMN);
  }

  theme.watchers.push(paint);
  return {
    root,
    draw(change) {
      if (change === "history" || change === "session") paint();
    },
  };
}
