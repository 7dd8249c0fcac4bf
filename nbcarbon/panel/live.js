// @ts-check
// The panel's page: what a session has cost, the power chart, the cells, another zone to compare with.
//
// It draws what the kernel says (docs/wire.md) and asks for next to nothing: a kernel that runs a cell
// answers when the cell is over. Whatever comes goes through a guard first and is shown as text, never
// as markup. Nothing is worked out here but where things go.

const VERSION = 1;
const MOST_POINTS = 600;
const MOST_SLOTS = 16;
const MOST_ROWS = 50;
const MOST_RUNS = 2000;
const RECENT_MS = 600_000;
const SHORTEST_MS = 10_000;
const PATIENCE_MS = 300; // the labextension may be about to load BokehJS
const SAID_MS = 20_000;
const LONG_SILENCE = 3; // times what was announced

/** @typedef {{name: string, kind: string, power_w: number | null}} Part */
/** @typedef {{index: number, id: string | null, name: string, runs: number, start_ms: number, end_ms: number, energy_j: number | null, known: string, text: {energy: string, tooltip: string}}} Run */
/** @typedef {{type: "state", session: string, t_ms: number, next_s: number, running: boolean, cell: {id: string | null, name: string, start_ms?: number} | null, emissions_g: number | null, known: string, parts: Part[], zone: string | null, cells_fraction: number | null, what_if: {zone: string, emissions_g: number | null} | null, warning: {text: string, action: string} | null, from_ms?: number, text: Record<string, string>}} State */
/** @typedef {{type: "history", session: string, t_ms: number[], parts: {name: string, kind: string, power_w: (number | null)[]}[], emissions_g: (number | null)[], what_if_g: (number | null)[] | null}} History */
/** @typedef {{name: string, kind: string, w: (number | null)[]}} Slot */
/** @typedef {{get: (name: string) => any, send: (message: object) => void, on: (name: string, listener: Function) => void, off: (name: string, listener: Function) => void}} Model */

// What is believed

/** @typedef {(value: any) => boolean} Check */
/** @type {Check} */
const text = (value) => typeof value === "string";
/** @type {Check} */
const number = (value) => Number.isFinite(value);
/** @type {Check} */
const flag = (value) => typeof value === "boolean";
/** @type {(check: Check) => Check} */
const orNull = (check) => (value) => value === null || check(value);
/** @type {(check: Check, most: number) => Check} */
const list = (check, most) => (value) =>
  Array.isArray(value) && value.length <= most && value.every(check);
/** @type {(checks: Record<string, Check>) => Check} */
const shape = (checks) => (value) =>
  typeof value === "object" &&
  value !== null &&
  Object.entries(checks).every(([name, check]) => check(value[name]));

const WORDS = ["power", "energy", "energy_range", "emissions", "emissions_range", "equivalent"];
const MORE_WORDS = ["known", "zone", "place", "session", "running", "split", "what_if"];
const RUN = shape({
  index: number,
  id: orNull(text),
  name: text,
  runs: number,
  start_ms: number,
  end_ms: number,
  energy_j: orNull(number),
  known: text,
  text: shape({ energy: text, tooltip: text }),
});

/** @type {Record<string, Check>} */
const MESSAGES = {
  state: shape({
    session: text,
    t_ms: number,
    next_s: number,
    running: flag,
    cell: orNull(shape({ id: orNull(text), name: text })),
    emissions_g: orNull(number),
    known: text,
    parts: list(shape({ name: text, kind: text, power_w: orNull(number) }), MOST_SLOTS),
    zone: orNull(text),
    cells_fraction: orNull(number),
    what_if: orNull(shape({ zone: text, emissions_g: orNull(number) })),
    warning: orNull(shape({ text, action: text })),
    text: shape(Object.fromEntries([...WORDS, ...MORE_WORDS].map((word) => [word, text]))),
  }),
  cell: (value) => text(value.session) && RUN(value),
  cells: shape({ session: text, cells: list(RUN, MOST_RUNS) }),
  history: (value) =>
    HISTORY(value) &&
    value.emissions_g.length === value.t_ms.length &&
    (value.what_if_g === null || value.what_if_g.length === value.t_ms.length) &&
    value.parts.every(
      (/** @type {any} */ part) => part.power_w.length === Math.max(0, value.t_ms.length - 1),
    ),
  said: shape({ ok: flag, text }),
  bokehjs: shape({ version: text, encoding: (value) => value === "deflate" }),
  bye: () => true,
};
const HISTORY = shape({
  session: text,
  t_ms: list(number, MOST_POINTS),
  parts: list(
    shape({ name: text, kind: text, power_w: list(orNull(number), MOST_POINTS) }),
    4 * MOST_SLOTS,
  ),
  emissions_g: list(orNull(number), MOST_POINTS),
  what_if_g: orNull(list(orNull(number), MOST_POINTS)),
});

/** The type of a message that is what docs/wire.md says; "other" for one of another version. */
function understood(/** @type {any} */ message) {
  if (typeof message !== "object" || message === null || !text(message.type)) return "";
  if (!Object.hasOwn(MESSAGES, message.type)) return "";
  if (message.v !== VERSION) return number(message.v) ? "other" : "";
  return MESSAGES[message.type](message) ? message.type : "";
}

// What is known of a session, one for each model

class Store {
  constructor() {
    /** @type {State | null} */
    this.state = null;
    /** @type {Map<number, Run>} */
    this.runs = new Map();
    /** @type {number[]} */
    this.t = [];
    /** @type {Slot[]} */
    this.slots = [];
    /** @type {(number | null)[]} */
    this.here = [];
    /** @type {(number | null)[]} */
    this.there = [];
    /** @type {{name: string, start_ms: number} | null} */
    this.running = null;
    this.session = "";
    this.said = "";
    this.saidAt = -Infinity;
    this.heardAt = now();
    this.over = false;
    this.asked = false;
    /** @type {Set<(what: string) => void>} */
    this.watchers = new Set();
    /** @type {(what: string) => void} */
    this.need = () => {};
  }

  /** Take in a message; views hear what changed. */
  take(/** @type {any} */ message) {
    const type = understood(message);
    if (type === "") return;
    if (type === "other") {
      this.say("This page and the kernel run different versions of nbcarbon: reload the page.");
      return;
    }
    if (message.session !== undefined) this.begin(message.session);
    let what = type;
    if (type === "state") what = this.takeState(message);
    else if (type === "cell") this.takeRun(message);
    else if (type === "cells") for (const run of message.cells) this.takeRun(run);
    else if (type === "history") this.takeHistory(message);
    else if (type === "said") this.say(message.text);
    else if (type === "bye") this.over = true;
    this.tell(what);
  }

  tell(/** @type {string} */ what) {
    for (const watcher of this.watchers) watcher(what);
  }

  say(/** @type {string} */ words) {
    if (words === this.said && now() - this.saidAt < SAID_MS) return;
    [this.said, this.saidAt] = [words, now()];
    this.tell("said");
  }

  begin(/** @type {string} */ session) {
    this.over = false;
    if (session === this.session) return;
    this.session = session;
    this.runs.clear();
    [this.t, this.slots, this.here, this.there] = [[], [], [], []];
    [this.state, this.running, this.asked] = [null, null, false];
    this.tell("session");
  }

  takeRun(/** @type {Run} */ run) {
    this.runs.set(run.index, run);
    if (this.runs.size > MOST_RUNS) this.runs.delete(this.runs.keys().next().value ?? 0);
    if (this.running !== null && run.end_ms >= this.running.start_ms) this.running = null;
  }

  takeHistory(/** @type {History} */ history) {
    this.asked = false;
    const last = history.t_ms.at(-1) ?? -Infinity;
    const later = this.t.findIndex((t) => t > last);
    // A history says more than the states so far, except of what came after it.
    const rest = later < 0 ? [] : this.t.slice(later).map((t, at) => this.row(later + at, t));
    this.t = [...history.t_ms];
    this.slots = history.parts
      .slice(0, MOST_SLOTS)
      .map(({ name, kind, power_w }) => ({ name, kind, w: [0, ...power_w].slice(0, this.t.length) }));
    this.here = [...history.emissions_g];
    this.there = history.what_if_g === null ? history.t_ms.map(() => null) : [...history.what_if_g];
    for (const row of rest) this.append(row);
  }

  row(/** @type {number} */ at, /** @type {number} */ t) {
    const parts = this.slots.map(({ name, kind, w }) => ({ name, kind, power_w: w[at] }));
    return { t, parts, here: this.here[at], there: this.there[at] };
  }

  /** @returns {string} "state", or "step" where a point was added to the charts */
  takeState(/** @type {State} */ state) {
    this.heardAt = now();
    this.state = state;
    const last = this.t.at(-1);
    const next_ms = 1000 * state.next_s;
    const near = last !== undefined && state.t_ms - last <= LONG_SILENCE * next_ms;
    const from = state.from_ms ?? (near ? last : state.t_ms - next_ms);
    if (!state.running || state.cell === null) this.running = null;
    else if (this.running?.name !== state.cell.name) {
      // A page that was not there when the cell began draws it from what it saw of it.
      this.running = { name: state.cell.name, start_ms: state.cell.start_ms ?? from };
    }
    if (last !== undefined && state.t_ms <= last) return "state";
    const there = state.what_if?.emissions_g ?? null;
    const row = { t: state.t_ms, parts: state.parts, here: state.emissions_g, there };
    if (last !== undefined && from > last) {
      // Nothing is sent while nothing runs: what was between is asked for, and drawn as not known.
      this.append({ t: from, parts: [], here: this.here.at(-1) ?? null, there: null });
      if (!this.asked) this.need("history");
      this.asked = true;
    }
    this.append(row);
    return "step";
  }

  append(/** @type {{t: number, parts: Part[], here: number | null, there: number | null}} */ row) {
    const powers = new Map(row.parts.map((part) => [part.name, part.power_w]));
    for (const { name, kind } of row.parts) {
      if (this.slots.length < MOST_SLOTS && !this.slots.some((slot) => slot.name === name)) {
        this.slots.push({ name, kind, w: this.t.map(() => 0) });
      }
    }
    const first = this.t.length === 0;
    for (const slot of this.slots) slot.w.push(first ? 0 : (powers.get(slot.name) ?? null));
    this.t.push(row.t);
    this.here.push(row.here);
    this.there.push(row.there);
    if (this.t.length > MOST_POINTS) {
      for (const column of [this.t, this.here, this.there, ...this.slots.map((each) => each.w)]) {
        column.shift();
      }
    }
  }

  /** Where a device was not observed, joined where such intervals touch. */
  gaps() {
    /** @type {{left: number[], right: number[]}} */
    const found = { left: [], right: [] };
    for (let at = 1; at < this.t.length; at++) {
      if (!this.slots.some((slot) => slot.w[at] === null)) continue;
      if (found.right.at(-1) === this.t[at - 1]) found.right[found.right.length - 1] = this.t[at];
      else {
        found.left.push(this.t[at - 1]);
        found.right.push(this.t[at]);
      }
    }
    return found;
  }

  /** Cells as bars, the one that runs among them. */
  bars() {
    const bars = [...this.runs.values()].map((run) => ({
      left: run.start_ms,
      right: run.end_ms,
      name: run.name,
      energy: run.text.energy,
    }));
    const end = this.t.at(-1);
    if (this.running !== null && end !== undefined && end > this.running.start_ms) {
      const { name, start_ms } = this.running;
      bars.push({ left: start_ms, right: end, name, energy: "running" });
    }
    return bars;
  }

  /** The latest run of each cell, the most energy first. */
  latest() {
    /** @type {Map<string | number, Run>} */
    const found = new Map();
    for (const run of [...this.runs.values()].sort((a, b) => a.index - b.index)) {
      found.set(run.id ?? run.index, run);
    }
    return [...found.values()].sort((a, b) => (b.energy_j ?? 0) - (a.energy_j ?? 0));
  }
}

function now() {
  return performance.now();
}

// BokehJS: the page may have it, the labextension may bring it, the kernel will send it

/** @type {Set<string>} */
const arriving = new Set();

function findBokeh(/** @type {string} */ version) {
  const found = /** @type {any} */ (window).Bokeh;
  if (found === undefined) return null;
  return found.version === version ? found : (found[version] ?? null);
}

/** Run the script that the kernel sent, once, whoever asked for it. */
async function bringBokeh(/** @type {string} */ version, /** @type {DataView<ArrayBuffer>} */ packed) {
  if (findBokeh(version) !== null || arriving.has(version)) return;
  arriving.add(version);
  try {
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    const script = await new Response(stream).blob();
    const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    try {
      await new Promise((resolve, reject) => {
        const element = document.createElement("script");
        element.src = url;
        element.onload = resolve;
        element.onerror = () => reject(new Error("the page does not let BokehJS run"));
        document.head.append(element);
        element.remove();
      });
    } finally {
      URL.revokeObjectURL(url);
    }
    window.dispatchEvent(new CustomEvent("nbcarbon:bokeh", { detail: { version } }));
  } finally {
    arriving.delete(version);
  }
}

/** Wait for it; nothing is drawn and nothing else waits where it never comes. */
function bokeh(
  /** @type {string} */ version,
  /** @type {() => void} */ ask,
  /** @type {AbortSignal} */ signal,
) {
  return new Promise((resolve) => {
    const look = () => {
      const found = findBokeh(version);
      if (found !== null) resolve(found);
      return found !== null;
    };
    if (look()) return;
    window.addEventListener("nbcarbon:bokeh", look, { signal });
    const timer = setTimeout(() => look() || ask(), PATIENCE_MS);
    signal.addEventListener("abort", () => clearTimeout(timer));
  });
}

// Where things go

const STEPS = [1, 1.5, 2, 3, 4, 5, 6, 8, 10];
/** @type {[number, string][]} */
const PREFIXES = [[1e6, "M"], [1e3, "k"], [1, ""], [1e-3, "m"], [1e-6, "µ"]];
const S = 1000;
const MIN = 60 * S;
const H = 60 * MIN;
const TIME_STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * S),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MIN),
  ...[1, 2, 3, 6, 12, 24, 48, 168].map((n) => n * H),
];

/** The round number at or above a value, and how an axis writes it: as charts.py does. */
function roundUp(/** @type {number} */ most, /** @type {string} */ unit) {
  if (!(most > 0)) return { top: 1, label: "" };
  const whole = 10 ** Math.floor(Math.log10(most));
  const top = (STEPS.find((step) => step * whole >= most * (1 - 1e-9)) ?? 10) * whole;
  const [factor, prefix] = PREFIXES.find(([least]) => top >= least * 0.999) ?? [1e-6, "µ"];
  return { top, label: `${Number((top / factor).toPrecision(3))} ${prefix}${unit}` };
}

/** Round local times in a window, none so near an edge that its label would be cut off. */
function timeTicks(/** @type {number} */ start, /** @type {number} */ end, /** @type {number} */ px) {
  const perPx = (end - start) / Math.max(px, 1);
  const step = TIME_STEPS.find((each) => each / perPx >= (each < MIN ? 62 : 40)) ?? 720 * H;
  const offset = new Date(end).getTimezoneOffset() * MIN;
  const edge = (step < MIN ? 24 : 15) * perPx;
  /** @type {Map<number, string>} */
  const labels = new Map();
  const first = Math.ceil((start + edge - offset) / step) * step + offset;
  for (let t = first; t <= end - edge && labels.size < 20; t += step) {
    const date = new Date(t);
    const clock = date.toTimeString().slice(0, step < MIN ? 8 : 5);
    const day = date.toLocaleDateString(undefined, { day: "numeric", month: "short" });
    labels.set(t, step < 24 * H ? clock : day);
  }
  return labels;
}

const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const FONT = "10px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif";

function textWidth(/** @type {string} */ words) {
  if (canvas === null) return 7 * words.length;
  canvas.font = FONT;
  return canvas.measureText(words).width;
}

/** As much of a name as fits, or nothing. */
function fitting(/** @type {string} */ name, /** @type {number} */ px) {
  if (textWidth(name) <= px) return name;
  for (let length = Math.min(name.length - 1, 40); length >= 3; length--) {
    const short = `${name.slice(0, length).trimEnd()}…`;
    if (textWidth(short) <= px) return short;
  }
  return "";
}

/** Red, green, blue and alpha of any colour that CSS knows. */
function rgba(/** @type {string} */ colour) {
  if (canvas === null) return [127, 127, 127, 255];
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = "#7f7f7f";
  canvas.fillStyle = colour.trim();
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
}

function plain(/** @type {string} */ colour) {
  const [red, green, blue, alpha] = rgba(colour);
  return `rgba(${red}, ${green}, ${blue}, ${(alpha / 255).toFixed(3)})`;
}

/** Whether what lies behind an element is dark. */
function onDark(/** @type {Element} */ element) {
  for (let at = /** @type {Element | null} */ (element); at !== null; at = parentOf(at)) {
    const [red, green, blue, alpha] = rgba(getComputedStyle(at).backgroundColor);
    if (alpha > 127) return 0.299 * red + 0.587 * green + 0.114 * blue < 128;
  }
  return false;
}

function parentOf(/** @type {Element} */ element) {
  const root = element.getRootNode();
  return element.parentElement ?? (root instanceof ShadowRoot ? root.host : null);
}

const KINDS = ["cpu", "gpu", "memory", "other"];
const LIGHTEST = 0.64;

/** How far the nth of a kind is mixed with the paper: all differ, neighbours most. As charts.py does. */
function shadeOf(/** @type {number} */ nth, /** @type {number} */ count) {
  const place = nth % 2 === 0 ? nth / 2 : (nth - 1) / 2 + Math.ceil(count / 2);
  return count < 2 ? 0 : (LIGHTEST * place) / (count - 1);
}

/** A colour for each device: its kind's, in as many shades as there are of a kind. */
function coloursOf(/** @type {Slot[]} */ slots, /** @type {Record<string, string>} */ theme) {
  const paper = rgba(theme.paper);
  const kinds = slots.map(({ kind }) => (KINDS.includes(kind) ? kind : "other"));
  return kinds.map((known, index) => {
    const before = kinds.slice(0, index).filter((each) => each === known).length;
    const shade = shadeOf(before, kinds.filter((each) => each === known).length);
    const channels = rgba(theme[known]).slice(0, 3);
    const mixed = channels.map((each, at) => Math.round(each + (paper[at] - each) * shade));
    return `rgb(${mixed.join(", ")})`;
  });
}

// Elements

let views = 0;

/** @returns {any} */
function h(
  /** @type {string} */ tag,
  /** @type {Record<string, string>} */ attributes = {},
  /** @type {(Node | string)[]} */ ...children
) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Set a line's text; an empty one takes no room. */
function put(/** @type {HTMLElement} */ element, /** @type {string} */ words) {
  if (element.textContent !== words) element.textContent = words;
  element.hidden = words === "";
}

/** A figure with its unit, and an `about` before it, in smaller type. */
function putFigure(/** @type {HTMLElement} */ element, /** @type {string} */ words) {
  if (element.textContent === words) return;
  const found = /^(about\s)?(.*\d)(\s\S+)$/u.exec(words);
  element.toggleAttribute("data-none", found === null);
  if (found === null) element.replaceChildren(words);
  else {
    const before = found[1] === undefined ? [] : [h("small", {}, found[1])];
    element.replaceChildren(...before, found[2], h("small", {}, found[3]));
  }
}

const ACTIONS = { zone: "Set zone", doctor: "Open doctor", export: "Export" };
const TABS = /** @type {const} */ ([
  ["power", "Power"],
  ["cells", "Cells"],
  ["whatif", "What if"],
]);

function skeleton() {
  const id = `nbc-${++views}`;
  const line = (/** @type {string} */ name) => h("div", { class: `nbc-${name}` });
  const part = {
    session: line("session"),
    energy: line("energy"),
    energyRange: line("range"),
    emissions: line("co2"),
    emissionsRange: line("range"),
    like: line("like"),
    warning: line("warn"),
    known: h("span", { class: "nbc-chip" }),
    zone: h("span", { class: "nbc-chip" }),
    tabs: h("div", { class: "nbc-tabs", role: "tablist", "aria-label": "What to show" }),
    now: line("co2"),
    running: line("range"),
    power: h("div", { class: "nbc-chart", role: "img", "aria-label": "Power over time, stacked by device" }),
    span: h("button", { class: "nbc-span", type: "button" }),
    legend: h("ul", { class: "nbc-legend" }),
    bar: h("i"),
    split: h("div", { class: "nbc-split", "aria-hidden": "true" }),
    splitText: line("foot"),
    cells: h("ul", { class: "nbc-cells" }),
    often: line("foot"),
    noCells: line("foot"),
    emissionsChart: h("div", { class: "nbc-chart", role: "img", "aria-label": "CO₂e since the session began, here and in the zone to compare with" }),
    zones: h("ul", { class: "nbc-legend" }),
    whatIf: line("whatif"),
    silence: line("silence"),
    busy: line("busy"),
    said: h("div", { class: "nbc-said", role: "status" }),
  };
  part.split.append(part.bar);
  const panels = {
    power: [
      h("div", { class: "nbc-row" }, part.now, part.running),
      h("div", { class: "nbc-holder" }, part.power, part.span),
      part.legend,
      part.split,
      part.splitText,
    ],
    cells: [part.cells, part.often, part.noCells],
    whatif: [part.emissionsChart, part.zones, part.whatIf],
  };
  const shown = TABS.map(([name, label]) => {
    const tab = h("button", { type: "button", role: "tab", class: "nbc-tab", id: `${id}-${name}`, "aria-controls": `${id}-${name}-panel`, "data-name": name }, label);
    const panel = h("div", { role: "tabpanel", class: "nbc-panel-body", id: `${id}-${name}-panel`, "aria-labelledby": tab.id }, ...panels[name]);
    part.tabs.append(tab);
    return { name: /** @type {string} */ (name), tab, panel };
  });
  const head = h(
    "div",
    { class: "nbc-head" },
    part.session,
    h("div", { class: "nbc-row" }, part.energy, part.energyRange),
    h("div", { class: "nbc-row" }, part.emissions, part.emissionsRange),
    part.like,
    part.warning,
    h("div", { class: "nbc-chips" }, part.known, part.zone),
  );
  const foot = h("div", { class: "nbc-footer" }, part.silence, part.busy, part.said);
  const root = h("div", { class: "nbc" }, head, part.tabs, ...shown.map((each) => each.panel), foot);
  return { root, part, shown };
}

// One view

function view(/** @type {Store} */ store, /** @type {Model} */ model, /** @type {HTMLElement} */ el) {
  const { root, part, shown } = skeleton();
  const ended = new AbortController();
  const signal = ended.signal;
  const version = String(model.get("bokeh") ?? "");
  /** @type {Map<string, Chart>} */
  const charts = new Map();
  /** @type {Set<string>} */
  const begun = new Set();
  const shownTime = { mode: "recent", start: 0, end: 0 };
  /** @type {Record<string, string>} */
  let theme = {};
  let tab = "power";
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let timer;
  let frame = 0;
  /** @type {Map<string | number, any>} */
  const rows = new Map();

  // Head and texts

  function showState() {
    const state = store.state;
    if (state === null) return;
    const words = state.text;
    put(part.session, words.session);
    putFigure(part.energy, words.energy);
    put(part.energyRange, words.energy_range);
    putFigure(part.emissions, words.emissions);
    put(part.emissionsRange, words.emissions_range);
    put(part.like, words.equivalent);
    showWarning();
    const dot = h("i", { class: "nbc-dot", "data-known": state.known, "aria-hidden": "true" });
    part.known.replaceChildren(dot, words.known);
    const id = /^\S*/u.exec(words.zone)?.[0] ?? "";
    part.zone.replaceChildren(h("b", {}, id), words.zone.slice(id.length));
    part.zone.title = words.place;
    put(part.now, words.power);
    put(part.running, words.running);
    put(part.splitText, words.split);
    part.split.hidden = state.cells_fraction === null;
    part.bar.style.width = `${100 * (state.cells_fraction ?? 0)}%`;
    put(part.whatIf, words.what_if || "Choose a zone to compare below.");
    put(part.busy, state.running ? "The kernel is busy: changes take effect when the cell ends." : "");
    showZones(state);
    keepTime(state.running);
  }

  /** With a way to the control that helps, where there is one below. */
  function showWarning() {
    const warning = store.state?.warning ?? null;
    const action = /** @type {keyof typeof ACTIONS} */ (warning?.action ?? "");
    const control = () =>
      root.closest(".nbc-panel")?.querySelector(`.nbc-${action} :is(input, select, button)`);
    const named = Object.hasOwn(ACTIONS, action) && control() ? ACTIONS[action] : "";
    const words = [warning?.text ?? "", named].join(" ").trim();
    if (part.warning.textContent === words) return;
    part.warning.hidden = warning === null;
    part.warning.replaceChildren(warning?.text ?? "");
    if (named === "") return;
    const button = h("button", { type: "button", class: "nbc-act" }, named);
    button.addEventListener("click", () => /** @type {any} */ (control())?.focus());
    part.warning.append(" ", button);
  }

  function showZones(/** @type {State} */ state) {
    const names = state.what_if === null ? [] : [state.zone ?? "here", state.what_if.zone];
    const items = names.map((name, at) =>
      h("li", {}, h("i", { class: at ? "nbc-dashed" : "nbc-solid", "aria-hidden": "true" }), name),
    );
    part.zones.replaceChildren(...items);
  }

  function showSaid() {
    const age = now() - store.saidAt;
    put(part.said, age < SAID_MS ? store.said : "");
    part.said.hidden = false; // a reader announces what changes in a line that was there before
    if (age < SAID_MS) later(showSaid, SAID_MS - age + 50);
  }

  function later(/** @type {() => void} */ then, /** @type {number} */ ms) {
    const waiting = setTimeout(then, ms);
    signal.addEventListener("abort", () => clearTimeout(waiting), { once: true });
  }

  /** While a cell runs, news is due: say so when none comes. */
  function keepTime(/** @type {boolean} */ running) {
    if (!running) {
      clearInterval(timer);
      timer = undefined;
    } else timer ??= setInterval(showSilence, 1000);
    showSilence();
  }

  function showSilence() {
    const silent_s = (now() - store.heardAt) / 1000;
    const due = store.state?.running === true && silent_s > LONG_SILENCE * store.state.next_s;
    put(part.silence, due ? `No news for ${Math.floor(silent_s)} s.` : "");
    if (store.over) put(part.silence, "nbcarbon is not loaded in this kernel any more.");
  }

  // Cells

  function showCells() {
    const runs = store.latest();
    const most_j = Math.max(...runs.map((run) => run.energy_j ?? 0), 0);
    const active = /** @type {any} */ (root.getRootNode()).activeElement;
    const wanted = runs.slice(0, MOST_ROWS).map((run) => {
      const key = run.id ?? run.index;
      const row = rows.get(key) ?? cellRow();
      rows.set(key, row);
      const often = run.runs > 1 ? `ran ${run.runs} times` : "";
      put(row.name, run.name);
      put(row.energy, run.text.energy);
      row.bar.style.width = most_j > 0 ? `${(100 * (run.energy_j ?? 0)) / most_j}%` : "0";
      row.button.title = [run.text.tooltip, often].filter(Boolean).join("\n");
      row.button.disabled = run.id === null;
      row.button.dataset.known = run.known;
      row.id = run.id;
      return row.item;
    });
    if (wanted.some((item, at) => part.cells.children[at] !== item) || wanted.length !== part.cells.children.length) {
      part.cells.replaceChildren(...wanted);
      if (root.contains(active)) active.focus();
    }
    const top = runs[0];
    put(part.often, top !== undefined && top.runs > 1 ? `${top.name} ran ${top.runs} times` : "");
    put(part.noCells, runs.length === 0 ? "No cell has ended yet." : "");
    if (runs.length > MOST_ROWS) put(part.noCells, `and ${runs.length - MOST_ROWS} cells that used less`);
  }

  function cellRow() {
    const name = h("span", { class: "nbc-name" });
    const bar = h("i");
    const energy = h("span", { class: "nbc-value" });
    const button = h("button", { type: "button", class: "nbc-cell" }, name, h("span", { class: "nbc-bar", "aria-hidden": "true" }, bar), energy);
    const row = { item: h("li", {}, button), button, name, bar, energy, id: /** @type {string | null} */ (null) };
    button.addEventListener("click", () => {
      const detail = { cell: row.id };
      root.dispatchEvent(new CustomEvent("nbcarbon:goto", { detail, bubbles: true, composed: true }));
    });
    return row;
  }

  // Tabs

  function choose(/** @type {string} */ name, focus = false) {
    tab = name;
    for (const each of shown) {
      const on = each.name === name;
      each.tab.setAttribute("aria-selected", String(on));
      each.tab.tabIndex = on ? 0 : -1;
      each.panel.hidden = !on;
      if (on && focus) each.tab.focus();
    }
    mark();
    begin();
    arrange();
  }

  /** Tell the controls below which tab is shown. */
  function mark() {
    const panel = /** @type {HTMLElement | null} */ (root.closest(".nbc-panel"));
    if (panel !== null) panel.dataset.tab = tab;
  }

  part.tabs.addEventListener("click", (/** @type {any} */ event) => {
    const name = event.target.closest("[role=tab]")?.dataset.name;
    if (name !== undefined) choose(name);
  });
  part.tabs.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const at = shown.findIndex((each) => each.name === tab);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: shown.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation(); // a notebook has uses of its own for arrow keys
    choose(shown[(to + shown.length) % shown.length].name, true);
  });

  // Charts

  /** @typedef {{doc: any, views: any, host: HTMLElement, get: (name: string) => any, lane: number, headroom: number, ours: boolean}} Chart */

  /** Draw the shown tab's chart, once it has a width and Bokeh is there. */
  function begin() {
    const name = tab === "whatif" ? "emissions" : tab;
    const host = { power: part.power, emissions: part.emissionsChart }[name];
    if (host === undefined || begun.has(name) || host.clientWidth === 0) return;
    begun.add(name);
    draw(name, host).catch((error) => {
      if (signal.aborted) return;
      host.replaceChildren(h("div", { class: "nbc-foot" }, "The chart cannot be drawn on this page."));
      console.warn("nbcarbon:", error);
    });
  }

  async function draw(/** @type {string} */ name, /** @type {HTMLElement} */ host) {
    const item = JSON.parse(String(model.get("figures") || "null"))?.[name];
    if (!item || version === "") {
      host.hidden = true;
      return;
    }
    const Bokeh = await bokeh(version, () => store.need("bokehjs"), signal);
    if (signal.aborted) return;
    const drawn = await Bokeh.embed.embed_item(item, host);
    const plot = [...drawn][0].model;
    const doc = plot.document;
    const get = (/** @type {string} */ wanted) => doc.get_model_by_name(wanted);
    const y = get("y");
    const chart = { doc, views: drawn, host, get, lane: y.start, headroom: y.end, ours: false };
    if (signal.aborted) {
      dispose(Bokeh, chart);
      return;
    }
    signal.addEventListener("abort", () => dispose(Bokeh, chart), { once: true });
    charts.set(name, chart);
    get("x").change.connect(() => moved(chart));
    watchWheel(host);
    host.addEventListener("dblclick", () => look("recent"), { signal });
    recolour();
    fill(name);
    arrange();
    if (name === "power") root.setAttribute("data-nbc-ready", "");
  }

  function dispose(/** @type {any} */ Bokeh, /** @type {Chart} */ chart) {
    for (const drawn of [...chart.views]) drawn.remove();
    chart.doc.clear();
    const at = Bokeh.documents.indexOf(chart.doc);
    if (at >= 0) Bokeh.documents.splice(at, 1);
  }

  /** Scrolling the panel past the chart scrolls on: the wheel zooms once the pointer moved in it. */
  function watchWheel(/** @type {HTMLElement} */ host) {
    let meant = false;
    const moves = (/** @type {PointerEvent} */ event) => {
      if (event.movementX !== 0 || event.movementY !== 0) meant = true;
    };
    host.addEventListener("pointermove", moves, { signal });
    host.addEventListener("pointerleave", () => (meant = false), { signal });
    host.addEventListener(
      "wheel",
      (event) => {
        const out = event.deltaY > 0 && shownTime.mode !== "free" && wholeIsShown();
        if (!meant || out) event.stopPropagation();
      },
      { capture: true, passive: true, signal },
    );
  }

  /** All of a chart's data. */
  function fill(/** @type {string} */ name) {
    const chart = charts.get(name);
    if (chart === undefined) return;
    if (name === "emissions") {
      const nothing = (/** @type {(number | null)[]} */ column) => column.map((each) => each ?? NaN);
      const data = { t: [...store.t], here: nothing(store.here), there: nothing(store.there) };
      chart.get("emissions").data = data;
      return;
    }
    /** @type {Record<string, number[]>} */
    const data = { t: [...store.t] };
    for (let at = 0; at < MOST_SLOTS; at++) {
      const slot = store.slots[at];
      data[`p${at}`] = slot === undefined ? store.t.map(() => 0) : slot.w.map((each) => each ?? 0);
      chart.get(`p${at}`).visible = slot !== undefined;
    }
    chart.get("power").data = data;
    fillBars(chart);
  }

  function fillBars(/** @type {Chart} */ chart) {
    const bars = store.bars();
    chart.get("cells").data = {
      left: bars.map((bar) => bar.left),
      right: bars.map((bar) => bar.right),
      name: bars.map((bar) => bar.name),
      energy: bars.map((bar) => bar.energy),
    };
    chart.get("gaps").data = store.gaps();
  }

  /** One more point, unless there is more to do than that. */
  function step() {
    const power = charts.get("power");
    const source = power?.get("power");
    const drawn = power === undefined ? 0 : source.data.t.length;
    const grew = store.t.length - drawn === 1 || (drawn === MOST_POINTS && store.t.length === drawn);
    const slots = Array.from({ length: MOST_SLOTS }, (_, at) => store.slots[at]);
    const shownSlots = power === undefined || slots.every((slot, at) => power.get(`p${at}`).visible === (slot !== undefined));
    if (power !== undefined && grew && shownSlots) {
      const row = slots.map((slot, at) => [`p${at}`, [slot?.w.at(-1) ?? 0]]);
      source.stream({ t: [store.t.at(-1)], ...Object.fromEntries(row) }, MOST_POINTS);
      fillBars(power);
    } else {
      fill("power");
      recolour();
    }
    fill("emissions");
    arrange();
  }

  // What part of the session is shown

  function bounds() {
    const end = store.t.at(-1) ?? Date.now();
    return { first: Math.min(store.t[0] ?? end, end - SHORTEST_MS), end };
  }

  function wholeIsShown() {
    const { first, end } = bounds();
    return shownTime.start <= first + 1 && shownTime.end >= end - 1;
  }

  function look(/** @type {string} */ mode) {
    shownTime.mode = mode;
    arrange();
  }

  /** The user zoomed or dragged. */
  function moved(/** @type {Chart} */ chart) {
    if (chart.ours) return;
    const { start, end } = chart.get("x");
    [shownTime.start, shownTime.end] = [start, end];
    shownTime.mode = wholeIsShown() ? "all" : "free";
    arrange();
  }

  /** Lay out again, at most once a frame. */
  function arrange() {
    if (frame !== 0 || signal.aborted) return;
    frame = requestAnimationFrame(() => {
      frame = 0;
      place();
    });
  }

  function place() {
    const { first, end } = bounds();
    const recent = Math.max(first, end - RECENT_MS);
    if (shownTime.mode === "all") [shownTime.start, shownTime.end] = [first, end];
    else if (shownTime.mode === "recent") [shownTime.start, shownTime.end] = [recent, end];
    const longer = end - first > RECENT_MS;
    part.span.hidden = shownTime.mode === "recent" && !longer;
    part.span.textContent = shownTime.mode === "recent" ? "whole session" : "last 10 min";
    for (const [name, chart] of charts) {
      chart.ours = true;
      chart.get("x").setv({ bounds: [first, end], start: shownTime.start, end: shownTime.end });
      chart.ours = false;
      const { top, label } = name === "power" ? roundUp(mostW(), "W") : roundUp(mostG(), "g");
      chart.get("y").setv({ start: chart.lane * top, end: chart.headroom * top });
      chart.get("most").text = label;
      const px = chart.host.clientWidth;
      const ticks = timeTicks(shownTime.start, shownTime.end, px);
      const axis = chart.get("time");
      axis.ticker.ticks = store.t.length > 1 ? [...ticks.keys()] : [];
      axis.major_label_overrides = ticks;
      if (name === "power") chart.get("names").data = nameBars(px);
    }
  }

  function shownRows() {
    const from = store.t.findIndex((t) => t > shownTime.start);
    const to = store.t.findIndex((t) => t >= shownTime.end);
    return { from: from < 0 ? store.t.length : from, to: to < 0 ? store.t.length - 1 : to };
  }

  function mostW() {
    const { from, to } = shownRows();
    let most = 0;
    for (let at = Math.max(from, 1); at <= to; at++) {
      most = Math.max(most, store.slots.reduce((sum, slot) => sum + (slot.w[at] ?? 0), 0));
    }
    return most;
  }

  function mostG() {
    const { from, to } = shownRows();
    let most = 0;
    for (let at = from; at <= to; at++) most = Math.max(most, store.here[at] ?? 0, store.there[at] ?? 0);
    return most;
  }

  /** Names below the bars that are wide enough for them. */
  function nameBars(/** @type {number} */ px) {
    const perPx = (shownTime.end - shownTime.start) / Math.max(px, 1);
    /** @type {{x: number[], name: string[]}} */
    const found = { x: [], name: [] };
    let until = -Infinity; // of two that overlap, the first has a name
    for (const bar of store.bars().sort((a, b) => a.left - b.left)) {
      const left = Math.max(bar.left, shownTime.start);
      const right = Math.min(bar.right, shownTime.end);
      if ((right - left) / perPx < 14 || left < until) continue;
      const name = fitting(bar.name, (right - left) / perPx);
      if (name === "") continue;
      found.x.push((left + right) / 2);
      found.name.push(name);
      until = right;
    }
    return found;
  }

  // Colours

  function recolour() {
    if (!root.isConnected) return;
    root.dataset.dark = String(onDark(root));
    const style = getComputedStyle(root);
    const names = ["ink", "soft", "line", "paper", ...KINDS];
    theme = Object.fromEntries(names.map((each) => [each, plain(style.getPropertyValue(`--nbc-${each}`))]));
    const colours = coloursOf(store.slots, theme);
    const items = store.slots.map((slot, at) => {
      const square = h("i", { class: "nbc-square", "aria-hidden": "true" });
      square.style.backgroundColor = colours[at];
      return h("li", { title: slot.name }, square, h("span", {}, slot.name));
    });
    part.legend.replaceChildren(...items);
    part.legend.toggleAttribute("data-many", items.length > 6);
    for (const [name, chart] of charts) {
      for (const line of ["base", "half", "top"]) chart.get(line).line_color = theme.line;
      chart.get("most").text_color = theme.soft;
      chart.get("time").major_label_text_color = theme.soft;
      chart.get("most").text_font = style.fontFamily;
      chart.get("time").major_label_text_font = style.fontFamily;
      if (name === "emissions") {
        chart.get("here").glyph.line_color = theme.ink;
        chart.get("there").glyph.line_color = theme.soft;
        continue;
      }
      colours.forEach((colour, at) => (chart.get(`p${at}`).glyph.fill_color = colour));
      chart.get("gap").glyph.hatch_color = theme.soft;
      chart.get("bar").glyph.setv({ fill_color: theme.ink, line_color: theme.ink });
      chart.get("name").glyph.setv({ text_color: theme.soft, text_font: style.fontFamily });
    }
  }

  /** A theme's colours are there a moment after its name. */
  function recolourSoon() {
    recolour();
    later(recolour, 300);
  }

  const themes = new MutationObserver(recolourSoon);
  const attributeFilter = ["class", "theme", "data-jp-theme-name", "data-jp-theme-light", "data-vscode-theme-kind"];
  for (const each of [document.body, document.documentElement]) {
    themes.observe(each, { attributes: true, attributeFilter });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolourSoon, { signal });

  // A widget is rendered before it is shown, and a hidden tab has no width.
  let width = 0;
  const sizes = new ResizeObserver(() => {
    if (root.clientWidth === width || root.clientWidth === 0) return;
    if (width === 0) {
      mark();
      recolour();
      later(showWarning, 500); // the controls are rendered after this
    }
    width = root.clientWidth;
    begin();
    arrange();
  });

  // Together

  function hear(/** @type {string} */ what) {
    if (what === "session") {
      shownTime.mode = "recent";
      rows.clear();
    }
    if (what === "said") showSaid();
    if (["state", "step", "session", "bye"].includes(what)) showState();
    if (["cell", "cells", "session"].includes(what)) showCells();
    if (what === "bye") showSilence();
    if (what === "step") step();
    else if (what === "history" || what === "session") {
      fill("power");
      fill("emissions");
      recolour();
      arrange();
    } else if (what === "cell" || what === "cells") {
      const power = charts.get("power");
      if (power !== undefined) fillBars(power);
      arrange();
    }
  }

  part.span.addEventListener("click", () => look(shownTime.mode === "recent" ? "all" : "recent"));
  part.span.hidden = true;
  part.warning.hidden = true;
  part.silence.hidden = true;
  el.append(root);
  store.watchers.add(hear);
  showState();
  showCells();
  showSaid();
  choose(tab);
  sizes.observe(root);

  return () => {
    ended.abort();
    store.watchers.delete(hear);
    clearInterval(timer);
    cancelAnimationFrame(frame);
    themes.disconnect();
    sizes.disconnect();
    root.remove();
  };
}

/** One for each model: what came while nothing was shown is shown later, in any number of views. */
export default () => {
  const store = new Store();
  let begun = false;

  function begin(/** @type {Model} */ model) {
    if (begun) return () => {};
    begun = true;
    const hear = (/** @type {any} */ message, /** @type {DataView<ArrayBuffer>[]} */ buffers) => {
      if (understood(message) === "bokehjs" && buffers?.[0] !== undefined) {
        bringBokeh(message.version, buffers[0]).catch((error) => console.warn("nbcarbon:", error));
      }
      store.take(message);
    };
    store.need = (what) => model.send({ type: "need", v: VERSION, what });
    const snapshot = model.get("snapshot");
    if (Array.isArray(snapshot)) for (const message of snapshot) store.take(message);
    model.on("msg:custom", hear);
    return () => {
      model.off("msg:custom", hear);
      begun = false;
    };
  }

  return {
    initialize: (/** @type {{model: Model}} */ { model }) => begin(model),
    render(/** @type {{model: Model, el: HTMLElement}} */ { model, el }) {
      const end = begin(model);
      const close = view(store, model, el);
      return () => {
        close();
        end();
      };
    },
  };
};
