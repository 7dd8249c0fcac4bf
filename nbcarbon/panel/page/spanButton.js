// @ts-check
// Switches between the last minutes and the whole session, where these differ.

import { h } from "./elements.js";

/** @import { Shared } from "./view.js" */

export function spanButton(/** @type {Shared} */ { span }) {
  const root = h("button", { class: "nbc-span", type: "button", hidden: "" });
  const isRecent = () => span.mode === "recent";

  root.addEventListener("click", () => span.show(isRecent() ? "all" : "recent"));
  span.watchers.push(() => {
    root.hidden = isRecent() && !span.isLong;
    root.textContent = isRecent() ? "whole session" : "last 10 min";
  });
  return { root };
}
