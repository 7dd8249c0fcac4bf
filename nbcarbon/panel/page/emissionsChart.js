// @ts-check
// CO₂e since the session began: here, and dashed what it would have been in another zone.

import { Chart } from "./chart.js";

/** @import { Get } from "./chart.js" */
/** @import { Column } from "./timeline.js" */
/** @import { Part, Shared } from "./view.js" */

/** @returns {Part} */
export function emissionsChart(/** @type {Shared} */ shared) {
  const { store, span, theme } = shared;

  function fill(/** @type {Get} */ get) {
    const { t, here, there } = store.timeline;
    const drawn = (/** @type {Column} */ column) => column.map((each) => each ?? NaN);
    get("emissions").data = { t: [...t], here: drawn(here), there: drawn(there) };
  }

  function paint(/** @type {Get} */ get) {
    get("here").glyph.line_color = theme.colours.ink;
    get("there").glyph.line_color = theme.colours.soft;
  }

  const chart = new Chart(shared, {
    name: "emissions",
    label: "CO₂e since the session began, here and in the zone to compare with",
    unit: "g",
    most: () => store.timeline.highest(span.start, span.end).grams,
    fill,
    paint,
    place: () => {},
  });
  return {
    root: chart.root,
    shown: () => chart.shown(),
    draw(change) {
      if (["step", "history", "session"].includes(change)) chart.update(fill);
    },
  };
}
