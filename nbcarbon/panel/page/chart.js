// @ts-check
// One Bokeh figure in its place: brought when it can be seen, filled, coloured, laid out, taken away.
//
// The kernel's Bokeh made the figure without data (charts.py); its parts are found by name.

import { roundUp, timeTicks } from "./axis.js";
import { awaitBokeh } from "./bokehjs.js";
import { h, line, put } from "./elements.js";

/** @import { Shared } from "./view.js" */
/**
 * What one chart does differently from another.
 * @typedef {object} Drawing
 * @property {string} name
 * @property {string} label for who does not see it
 * @property {string} unit
 * @property {() => number} most the highest value that is shown
 * @property {(get: Get) => void} fill all data
 * @property {(get: Get) => void} paint in the theme's colours
 * @property {(get: Get, px: number) => void} place what depends on the time shown
 */
/** @typedef {(name: string) => any} Get */

const EXCUSE = "The chart could not be loaded.";

export class Chart {
  constructor(/** @type {Shared} */ shared, /** @type {Drawing} */ drawing) {
    this.shared = shared;
    this.drawing = drawing;
    /** @type {HTMLElement} */
    this.host = h("div", { class: "nbc-chart", role: "img", "aria-label": drawing.label });
    this.excuse = line("foot");
    this.root = h("div", { class: "nbc-holder" }, this.host, this.excuse);
    this.begun = false;
    this.placing = false;
    /** @type {{get: Get, lane: number, headroom: number} | null} */
    this.drawn = null;
    shared.theme.watchers.push(() => this.#paint());
    shared.span.watchers.push(() => this.#place());
  }

  /** Draw it, once it has a width and Bokeh is there. */
  shown() {
    if (this.begun || this.host.clientWidth === 0) return;
    this.begun = true;
    this.#bring().catch((error) => {
      if (this.shared.signal.aborted) return;
      this.#fail(true);
      console.warn("nbcarbon:", error);
    });
  }

  #fail(/** @type {boolean} */ failed) {
    this.host.hidden = failed;
    put(this.excuse, failed ? EXCUSE : "");
  }

  async #bring() {
    const { store, signal, figures, version } = this.shared;
    const item = figures[this.drawing.name];
    if (item === undefined || version === "") {
      this.host.hidden = true;
      return;
    }
    const kernel = {
      ask: () => store.need("bokehjs"),
      isBusy: () => store.state?.running === true,
    };
    const Bokeh = await awaitBokeh(version, kernel, () => this.#fail(true), signal);
    this.#fail(false);
    const views = await Bokeh.embed.embed_item(item, this.host);
    const doc = [...views][0].model.document;
    const dispose = () => {
      for (const view of [...views]) view.remove();
      doc.clear();
      const at = Bokeh.documents.indexOf(doc);
      if (at >= 0) Bokeh.documents.splice(at, 1);
    };
    if (signal.aborted) dispose();
    else this.#begin(doc, dispose);
  }

  #begin(/** @type {any} */ doc, /** @type {() => void} */ dispose) {
    const { span, theme, signal } = this.shared;
    signal.addEventListener("abort", dispose);
    const get = (/** @type {string} */ wanted) => doc.get_model_by_name(wanted);
    const { start, end } = get("y");
    this.drawn = { get, lane: start, headroom: end };
    const x = get("x");
    x.change.connect(() => {
      if (!this.placing) span.move(x.start, x.end);
    });
    this.#watchPointer();
    this.drawing.fill(get);
    theme.read();
    span.arrange();
    this.host.setAttribute("data-nbc-ready", "");
  }

  /** Scrolling the panel past the chart scrolls on: the wheel zooms once the pointer moved in it. */
  #watchPointer() {
    const { span, signal } = this.shared;
    let meant = false;
    const on = (/** @type {string} */ type, /** @type {(event: any) => void} */ hear) =>
      this.host.addEventListener(type, hear, { capture: true, passive: true, signal });
    on("pointermove", ({ movementX, movementY }) => (meant ||= movementX !== 0 || movementY !== 0));
    this.host.addEventListener("pointerleave", () => (meant = false), { signal });
    on("wheel", (event) => {
      const out = event.deltaY > 0 && span.mode !== "free" && span.isWhole;
      if (!meant || out) event.stopPropagation();
    });
    on("dblclick", () => span.show("recent"));
  }

  /** Do something with the figure, if it is there. */
  update(/** @type {(get: Get) => void} */ change) {
    if (this.drawn !== null) change(this.drawn.get);
  }

  #paint() {
    const { colours, font } = this.shared.theme;
    this.update((get) => {
      for (const rule of ["base", "half", "top"]) get(rule).line_color = colours.line;
      get("most").setv({ text_color: colours.soft, text_font: font });
      get("time").setv({ major_label_text_color: colours.soft, major_label_text_font: font });
      this.drawing.paint(get);
    });
  }

  #place() {
    if (this.drawn === null) return;
    const { get, lane, headroom } = this.drawn;
    const { store, span } = this.shared;
    const { start, end, bounds } = span;
    const px = this.host.clientWidth;
    this.placing = true;
    get("x").setv({ bounds: [bounds.first, bounds.end], start, end });
    this.placing = false;
    const { top, label } = roundUp(this.drawing.most(), this.drawing.unit);
    get("y").setv({ start: lane * top, end: headroom * top });
    get("most").text = label;
    const ticks = timeTicks(start, end, px);
    get("time").ticker.ticks = store.timeline.t.length > 1 ? [...ticks.keys()] : [];
    get("time").major_label_overrides = ticks;
    this.drawing.place(get, px);
  }
}
