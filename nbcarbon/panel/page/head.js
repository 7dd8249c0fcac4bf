// @ts-check
// The first lines: the session, what it has cost so far, how that is known, and where.
//
// JupyterLab's sidebar has a head of its own and hides this one.

import { h, line, put, putFigure } from "./elements.js";

/** @import { Part, Shared } from "./view.js" */

/** @returns {Part} */
export function head(/** @type {Shared} */ { store }, /** @type {HTMLElement} */ caution) {
  const [session, like] = [line("session"), line("like")];
  const [energy, energyRange] = [line("energy"), line("range")];
  const [emissions, emissionsRange] = [line("co2"), line("range")];
  const known = h("span", { class: "nbc-chip" });
  const zone = h("span", { class: "nbc-chip" });
  const root = h(
    "div",
    { class: "nbc-head" },
    session,
    h("div", { class: "nbc-row" }, energy, energyRange),
    h("div", { class: "nbc-row" }, emissions, emissionsRange),
    like,
    caution,
    h("div", { class: "nbc-chips" }, known, zone),
  );

  function draw() {
    if (store.state === null) return;
    const words = store.state.text;
    put(session, words.session);
    putFigure(energy, words.energy);
    put(energyRange, words.energy_range);
    putFigure(emissions, words.emissions);
    put(emissionsRange, words.emissions_range);
    put(like, words.equivalent);
    const dot = { class: "nbc-dot", "data-known": store.state.known, "aria-hidden": "true" };
    known.replaceChildren(h("i", dot), words.known);
    const id = /^\S*/u.exec(words.zone)?.[0] ?? "";
    zone.replaceChildren(h("b", {}, id), words.zone.slice(id.length));
    zone.title = words.place;
  }

  return { root, draw };
}
