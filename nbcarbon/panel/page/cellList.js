// @ts-check
// The cells and what each used, the most first. A click leads to the cell in the notebook.

import { h, line, put } from "./elements.js";

/** @import { Run } from "./protocol.js" */
/** @import { Part, Shared } from "./view.js" */

const MOST_ROWS = 50;

/** One cell's row, which is kept while its figures change. */
function cellRow() {
  const name = h("span", { class: "nbc-name" });
  const bar = h("i");
  const energy = h("span", { class: "nbc-value" });
  const track = h("span", { class: "nbc-bar", "aria-hidden": "true" }, bar);
  const button = h("button", { type: "button", class: "nbc-cell" }, name, track, energy);
  /** @type {string | null} */
  let cell = null;
  button.addEventListener("click", () => {
    const way = { detail: { cell }, bubbles: true, composed: true };
    button.dispatchEvent(new CustomEvent("nbcarbon:goto", way));
  });

  function show(/** @type {Run} */ run, /** @type {number} */ most_j) {
    cell = run.id;
    put(name, run.name);
    put(energy, run.text.energy);
    bar.style.width = most_j > 0 ? `${(100 * (run.energy_j ?? 0)) / most_j}%` : "0";
    const often = run.runs > 1 ? `\nran ${run.runs} times` : "";
    button.title = run.text.tooltip + often;
    button.disabled = run.id === null;
    button.dataset.known = run.known;
  }

  return { item: h("li", {}, button), show };
}

/** Put items in order; the one with the focus keeps it. */
function order(/** @type {HTMLElement} */ list, /** @type {HTMLElement[]} */ items) {
  const before = [...list.children];
  if (before.length === items.length && items.every((item, at) => item === before[at])) return;
  const focus = /** @type {any} */ (list.getRootNode()).activeElement;
  const isOurs = list.contains(focus);
  list.replaceChildren(...items);
  if (isOurs) focus.focus();
}

/** @returns {Part} */
export function cellList(/** @type {Shared} */ { store }) {
  /** @type {Map<string | number, ReturnType<typeof cellRow>>} */
  const rows = new Map();
  /** @type {HTMLElement} */
  const list = h("ul", { class: "nbc-cells" });
  const [often, rest] = [line("foot"), line("foot")];

  function rowOf(/** @type {Run} */ run) {
    const key = run.id ?? run.index;
    const row = rows.get(key) ?? cellRow();
    rows.set(key, row);
    return row;
  }

  function show() {
    const runs = store.latest();
    const most_j = Math.max(...runs.map((run) => run.energy_j ?? 0), 0);
    const items = runs.slice(0, MOST_ROWS).map((run) => {
      const row = rowOf(run);
      row.show(run, most_j);
      return row.item;
    });
    order(list, items);
    const [top] = runs;
    put(often, top?.runs > 1 ? `${top.name} ran ${top.runs} times` : "");
    const more = runs.length - MOST_ROWS;
    if (runs.length === 0) put(rest, "No cell has ended yet.");
    else put(rest, more > 0 ? `and ${more} cells that used less` : "");
  }

  return {
    root: h("div", {}, list, often, rest),
    draw(change) {
      if (change === "session") rows.clear();
      if (change === "session" || change === "cells") show();
    },
  };
}
