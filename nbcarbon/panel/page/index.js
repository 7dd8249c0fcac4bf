// @ts-check
// What anywidget asks for: the panel's page, which draws what the kernel says (docs/wire.md).
//
// It asks for next to nothing: a kernel that runs a cell answers when the cell is over. script.py joins
// these modules into one script.

import { bringBokeh } from "./bokehjs.js";
import { VERSION, understood } from "./protocol.js";
import { Store } from "./store.js";
import { view } from "./view.js";

/** @import { Model } from "./view.js" */

/** One for each model: what came while nothing was shown is shown later, in any number of views. */
export default () => {
  const store = new Store();
  let isListening = false;

  function listen(/** @type {Model} */ model) {
    if (isListening) return () => {};
    isListening = true;
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
      isListening = false;
    };
  }

  return {
    initialize: (/** @type {{model: Model}} */ { model }) => listen(model),
    render(/** @type {{model: Model, el: HTMLElement}} */ { model, el }) {
      const end = listen(model);
      const close = view(store, model, el);
      return () => {
        close();
        end();
      };
    },
  };
};
