// @ts-check
// Puts the parts together, and owns nothing else. Data goes one way: messages, the store, the parts,
// which read from the store and do not know each other.

import { cellList } from "./cellList.js";
import { comparison } from "./comparison.js";
import { h } from "./elements.js";
import { emissionsChart } from "./emissionsChart.js";
import { footer } from "./footer.js";
import { head } from "./head.js";
import { legend } from "./legend.js";
import { now } from "./now.js";
import { powerChart } from "./powerChart.js";
import { Span } from "./span.js";
import { spanButton } from "./spanButton.js";
import { split } from "./split.js";
import { tabs } from "./tabs.js";
import { Theme } from "./theme.js";
import { warning } from "./warning.js";

/** @import { Change, Store } from "./store.js" */
/**
 * What all parts of a view have in common. `signal` ends with the view; `figures` by name, and the
 * Bokeh `version` that made them.
 * @typedef {{store: Store, span: Span, theme: Theme, signal: AbortSignal, figures: Record<string, any>, version: string}} Shared
 */
/**
 * One part: `draw` after a change, `shown` when there is a width, or another one, or another tab.
 * @typedef {{root: HTMLElement, draw: (change: Change) => void, shown?: () => void}} Part
 */
/** @typedef {{get: (name: string) => any, send: (message: object) => void, on: (name: string, listener: Function) => void, off: (name: string, listener: Function) => void}} Model */

/** Every part, and where it is. */
function build(/** @type {Shared} */ shared, /** @type {() => void} */ onTab) {
  const caution = warning(shared);
  const top = head(shared, caution.root);
  const power = [now(shared), powerChart(shared), legend(shared), split(shared)];
  const cells = cellList(shared);
  const whatIf = [emissionsChart(shared), comparison(shared)];
  const bottom = footer(shared);
  const button = spanButton(shared);
  power[1].root.append(button.root);
  const roots = (/** @type {Part[]} */ of) => of.map((part) => part.root);
  const bar = tabs(
    [
      { name: "power", label: "Power", content: roots(power) },
      { name: "cells", label: "Cells", content: [cells.root] },
      { name: "whatif", label: "What if", content: roots(whatIf) },
    ],
    onTab,
  );
  return {
    elements: [top.root, ...bar.elements, bottom.root],
    parts: [top, caution, ...power, cells, ...whatIf, bottom],
    bar,
  };
}

/** Show a session in an element. What comes back takes it away again. */
export function view(
  /** @type {Store} */ store,
  /** @type {Model} */ model,
  /** @type {HTMLElement} */ el,
) {
  const ended = new AbortController();
  const { signal } = ended;
  const root = h("div", { class: "nbc" });
  const span = new Span(store, signal);
  const theme = new Theme(root, signal);
  const figures = JSON.parse(model.get("figures") || "{}");
  const version = String(model.get("bokeh") ?? "");
  const show = () => {
    for (const part of [bar, ...parts]) part.shown?.();
    span.arrange();
  };
  const shared = { store, span, theme, signal, figures, version };
  const { elements, parts, bar } = build(shared, show);
  root.append(...elements);
  const draw = (/** @type {Change} */ change) => {
    for (const part of [span, ...parts]) part.draw(change);
  };
  store.watchers.add(draw);
  draw("session");
  el.append(root);
  onWidth(root, signal, (isFirst) => {
    if (isFirst) theme.read();
    show();
  });
  return () => {
    ended.abort();
    store.watchers.delete(draw);
    root.remove();
  };
}

/** A widget is rendered before it is shown, and a hidden one has no width. */
function onWidth(
  /** @type {HTMLElement} */ root,
  /** @type {AbortSignal} */ signal,
  /** @type {(isFirst: boolean) => void} */ then,
) {
  let width = 0;
  const sizes = new ResizeObserver(() => {
    if (root.clientWidth === width || root.clientWidth === 0) return;
    const isFirst = width === 0;
    width = root.clientWidth;
    then(isFirst);
  });
  sizes.observe(root);
  signal.addEventListener("abort", () => sizes.disconnect());
}
