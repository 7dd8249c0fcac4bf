// @ts-check
// Power over time, stacked by device, with the cells as bars below it.

import { nameBars } from "./barNames.js";
import { Chart } from "./chart.js";
import { slotColours } from "./colours.js";
import { MOST_POINTS, MOST_SLOTS } from "./protocol.js";

/** @import { Get } from "./chart.js" */
/** @import { Store } from "./store.js" */
/** @import { Theme } from "./theme.js" */
/** @import { Part, Shared } from "./view.js" */

const SLOTS = Array.from({ length: MOST_SLOTS }, (_, at) => at);

function fillPower(/** @type {Get} */ get, /** @type {Store} */ { timeline }) {
  const { t, slots } = timeline;
  /** @type {Record<string, number[]>} */
  const data = { t: [...t] };
  for (const at of SLOTS) {
    data[`p${at}`] = t.map((_, row) => slots[at]?.w[row] ?? 0);
    get(`p${at}`).visible = at < slots.length;
  }
  get("power").data = data;
}

/** One more point, and nothing else. */
function addPower(/** @type {Get} */ get, /** @type {Store} */ { timeline }) {
  const { t, slots } = timeline;
  const row = SLOTS.map((at) => [`p${at}`, [slots[at]?.w.at(-1) ?? 0]]);
  get("power").stream({ t: [t.at(-1)], ...Object.fromEntries(row) }, MOST_POINTS);
}

function fillBars(/** @type {Get} */ get, /** @type {Store} */ store) {
  const bars = store.bars();
  get("cells").data = {
    left: bars.map((bar) => bar.left),
    right: bars.map((bar) => bar.right),
    name: bars.map((bar) => bar.name),
    energy: bars.map((bar) => bar.energy),
  };
  get("gaps").data = store.timeline.gaps();
}

function paintPower(
  /** @type {Get} */ get,
  /** @type {Store} */ { timeline },
  /** @type {Theme} */ { colours, font },
) {
  const fills = slotColours(timeline.slots, colours);
  fills.forEach((fill, at) => (get(`p${at}`).glyph.fill_color = fill));
  get("gap").glyph.hatch_color = colours.soft;
  get("bar").glyph.setv({ fill_color: colours.ink, line_color: colours.ink });
  get("name").glyph.setv({ text_color: colours.soft, text_font: font });
}

/** @returns {Part} */
export function powerChart(/** @type {Shared} */ shared) {
  const { store, span, theme } = shared;

  function fill(/** @type {Get} */ get) {
    fillPower(get, store);
    fillBars(get, store);
    paintPower(get, store, theme);
  }

  function step(/** @type {Get} */ get) {
    addPower(get, store);
    fillBars(get, store);
  }

  const chart = new Chart(shared, {
    name: "power",
    label: "Power over time, stacked by device",
    unit: "W",
    most: () => store.timeline.highest(span.start, span.end).watts,
    fill,
    paint: (get) => paintPower(get, store, theme),
    place: (get, px) => (get("names").data = nameBars(store.bars(), span, px)),
  });
  return {
    root: chart.root,
    shown: () => chart.shown(),
    draw(change) {
      if (change === "step") chart.update(step);
      if (change === "history" || change === "session") chart.update(fill);
      if (change === "cells") chart.update((get) => fillBars(get, store));
    },
  };
}
