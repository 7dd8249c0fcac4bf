// @ts-check
// Tabs, one of which is shown, by click and by arrow keys.

import { h } from "./elements.js";

/** @typedef {{name: string, label: string, content: HTMLElement[]}} Tab */

let made = 0; // ids are unique on the page

/** A tab and the panel it shows. */
function pair(/** @type {string} */ id, /** @type {Tab} */ { name, label, content }) {
  const tab = h("button", {
    type: "button",
    role: "tab",
    class: "nbc-tab",
    id,
    "aria-controls": `${id}-panel`,
    "data-name": name,
  });
  tab.append(label);
  const panel = {
    role: "tabpanel",
    class: "nbc-panel-body",
    id: `${id}-panel`,
    "aria-labelledby": id,
  };
  return { name, tab, panel: h("div", panel, ...content) };
}

/** `chosen` is called when another one is shown. */
export function tabs(/** @type {Tab[]} */ wanted, /** @type {() => void} */ chosen) {
  const view = `nbc-${++made}`;
  const pairs = wanted.map((each) => pair(`${view}-${each.name}`, each));
  const list = h("div", { class: "nbc-tabs", role: "tablist", "aria-label": "What to show" });
  list.append(...pairs.map((each) => each.tab));
  let at = 0;

  /** Also tells the controls below which tab is shown. */
  function draw() {
    pairs.forEach(({ tab, panel }, index) => {
      tab.setAttribute("aria-selected", String(index === at));
      tab.tabIndex = index === at ? 0 : -1;
      panel.hidden = index !== at;
    });
    const controls = /** @type {HTMLElement | null} */ (list.closest(".nbc-panel"));
    if (controls !== null) controls.dataset.tab = pairs[at].name;
  }

  function choose(/** @type {number} */ index) {
    at = (index + pairs.length) % pairs.length;
    draw();
    chosen();
  }

  list.addEventListener("click", (/** @type {any} */ event) => {
    const index = pairs.findIndex(({ tab }) => tab.contains(event.target));
    if (index >= 0) choose(index);
  });
  list.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: pairs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation(); // a notebook has uses of its own for arrow keys
    choose(to);
    pairs[at].tab.focus();
  });
  draw();
  return { elements: [list, ...pairs.map((each) => each.panel)], shown: draw };
}
