// @ts-check
// Making elements and setting their text. Whatever comes is shown as text, never as markup.

/** @returns {any} an element of any kind */
export function h(
  /** @type {string} */ tag,
  /** @type {Record<string, string>} */ attributes = {},
  /** @type {(Node | string)[]} */ ...children
) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A place for a line of text. */
export function line(/** @type {string} */ name) {
  return h("div", { class: `nbc-${name}`, hidden: "" });
}

/** Set a line's text; an empty one takes no room. */
export function put(/** @type {HTMLElement} */ element, /** @type {string} */ words) {
  if (element.textContent !== words) element.textContent = words;
  element.hidden = words === "";
}

/** A figure with its unit, and an `about` before it, in smaller type. */
export function putFigure(/** @type {HTMLElement} */ element, /** @type {string} */ words) {
  element.hidden = false;
  if (element.textContent === words) return;
  const found = /^(about\s)?(.*\d)(\s\S+)$/u.exec(words);
  element.toggleAttribute("data-none", found === null);
  if (found === null) element.replaceChildren(words);
  else {
    const before = found[1] === undefined ? [] : [h("small", {}, found[1])];
    element.replaceChildren(...before, found[2], h("small", {}, found[3]));
  }
}

/** What says which colour or line is what: squares or strokes with names. */
export function key(/** @type {string} */ name, /** @type {string} */ mark, colour = "") {
  const sign = h("i", { class: `nbc-${mark}`, "aria-hidden": "true" });
  sign.style.backgroundColor = colour;
  return h("li", { title: name }, sign, h("span", {}, name));
}
