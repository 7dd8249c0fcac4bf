// @ts-check
// One warning, with a way to the control that helps, where there is one below (widget.py).

import { h, line } from "./elements.js";
import { later } from "./timers.js";

/** @import { Part, Shared } from "./view.js" */

const ACTIONS = { zone: "Set zone", doctor: "Open doctor", export: "Export" };
const CONTROLS_MS = 500; // the controls are rendered after this

/** @returns {Part} */
export function warning(/** @type {Shared} */ { store, signal }) {
  /** @type {HTMLElement} */
  const root = line("warn");

  /** @returns {HTMLElement | null | undefined} */
  function control(/** @type {string} */ action) {
    const panel = root.closest(".nbc-panel");
    return panel?.querySelector(`.nbc-${action} :is(input, select, button)`);
  }

  function draw() {
    const { text, action } = store.state?.warning ?? { text: "", action: "" };
    const name = Object.entries(ACTIONS).find(([known]) => known === action)?.[1];
    const named = name !== undefined && control(action) ? name : "";
    const words = `${text} ${named}`.trim();
    if (root.textContent === words) return;
    root.hidden = words === "";
    root.replaceChildren(text);
    if (named === "") return;
    const button = h("button", { type: "button", class: "nbc-act" }, named);
    button.addEventListener("click", () => control(action)?.focus());
    root.append(" ", button);
  }

  function shown() {
    draw();
    later(CONTROLS_MS, draw, signal);
  }

  return { root, draw, shown };
}
