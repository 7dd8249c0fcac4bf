// @ts-check
// The page's theme as it is now: whoever draws with it hears when it becomes another.

import { coloursOf, isOnDark } from "./colours.js";
import { later } from "./timers.js";

const SETTLED_MS = 300; // a theme's colours are there a moment after its name
const NAMED_BY = [
  ...["class", "theme", "data-jp-theme-name", "data-jp-theme-light", "data-vscode-theme-kind"],
];

export class Theme {
  /** Of what is behind `root`, which gets `data-dark` for panel.css. */
  constructor(/** @type {HTMLElement} */ root, /** @type {AbortSignal} */ signal) {
    this.root = root;
    this.font = "";
    /** @type {Record<string, string>} */
    this.colours = {};
    /** @type {(() => void)[]} */
    this.watchers = [];
    const changed = () => {
      this.read();
      later(SETTLED_MS, () => this.read(), signal);
    };
    const observer = new MutationObserver(changed);
    for (const each of [document.body, document.documentElement]) {
      observer.observe(each, { attributes: true, attributeFilter: NAMED_BY });
    }
    signal.addEventListener("abort", () => observer.disconnect());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed, { signal });
  }

  /** Look at it again. Nothing is known of it before the root is on the page. */
  read() {
    if (!this.root.isConnected) return;
    this.root.dataset.dark = String(isOnDark(this.root));
    const style = getComputedStyle(this.root);
    this.font = style.fontFamily;
    this.colours = coloursOf(style);
    for (const watcher of this.watchers) watcher();
  }
}
