// @ts-check
// Getting the chart library: the page may have it, the labextension may bring it, the kernel will send it.
//
// Builds of several versions live side by side: the first as `Bokeh`, others as `Bokeh["3.9.2"]`.

import { later } from "./timers.js";

const ARRIVED = "nbcarbon:bokeh"; // the labextension says the same
const REFUSED = "nbcarbon:bokeh-refused";
const ELSEWHERE_MS = 300; // the labextension may be about to load it
const ANSWER_S = 15;

/** @type {Set<string>} */
const arriving = new Set();

function found(/** @type {string} */ version) {
  const bokeh = /** @type {any} */ (window).Bokeh;
  if (bokeh === undefined) return null;
  return bokeh.version === version ? bokeh : (bokeh[version] ?? null);
}

/** Run the script that the kernel sent, once, whoever asked for it. */
export async function bringBokeh(
  /** @type {string} */ version,
  /** @type {DataView<ArrayBuffer>} */ packed,
) {
  if (found(version) !== null || arriving.has(version)) return;
  arriving.add(version);
  try {
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    await run(await new Response(stream).blob());
    window.dispatchEvent(new CustomEvent(ARRIVED, { detail: { version } }));
  } catch (error) {
    window.dispatchEvent(new CustomEvent(REFUSED));
    throw error;
  } finally {
    arriving.delete(version);
  }
}

async function run(/** @type {Blob} */ script) {
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
}

/**
 * Wait for it. Nothing else waits where it never comes.
 *
 * @param {string} version
 * @param {object} kernel
 * @param {() => void} kernel.ask it, which answers when it is free
 * @param {() => boolean} kernel.isBusy
 * @param {() => void} despair is called where it is refused, or long overdue; it may come all the same
 * @param {AbortSignal} signal
 * @returns {Promise<any>}
 */
export function awaitBokeh(version, { ask, isBusy }, despair, signal) {
  const waiting = new AbortController();
  signal.addEventListener("abort", () => waiting.abort(), { signal: waiting.signal });
  const until = { signal: waiting.signal };

  function watch(/** @type {number} */ free_s) {
    if (free_s === ANSWER_S) despair();
    else later(1000, () => watch(isBusy() ? 0 : free_s + 1), waiting.signal);
  }

  return new Promise((resolve) => {
    const look = () => {
      const bokeh = found(version);
      if (bokeh === null) return;
      waiting.abort();
      resolve(bokeh);
    };
    look();
    if (waiting.signal.aborted) return;
    window.addEventListener(ARRIVED, look, until);
    window.addEventListener(REFUSED, despair, until);
    later(ELSEWHERE_MS, look, waiting.signal);
    later(ELSEWHERE_MS, ask, waiting.signal);
    watch(0);
  });
}
