// @ts-check
// Colours as numbers: what a page's are, whether they are dark, and one for each device.

/** @import { Slot } from "./timeline.js" */

const KINDS = ["cpu", "gpu", "memory", "other"];
const NAMES = ["ink", "soft", "line", "paper", ...KINDS];
const LIGHTEST = 0.64;

/** @type {CanvasRenderingContext2D | null} */
let pixel = null;

/** Red, green, blue and alpha of any colour that CSS knows. */
function rgba(colour = "") {
  pixel ??= document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  if (pixel === null) return [127, 127, 127, 255];
  pixel.clearRect(0, 0, 1, 1);
  pixel.fillStyle = "#7f7f7f";
  pixel.fillStyle = colour.trim();
  pixel.fillRect(0, 0, 1, 1);
  return [...pixel.getImageData(0, 0, 1, 1).data];
}

function plain(/** @type {string} */ colour) {
  const [red, green, blue, alpha] = rgba(colour);
  return `rgba(${red}, ${green}, ${blue}, ${(alpha / 255).toFixed(3)})`;
}

/** The colours of panel.css as a canvas knows them. */
export function coloursOf(/** @type {CSSStyleDeclaration} */ style) {
  const named = NAMES.map((name) => [name, plain(style.getPropertyValue(`--nbc-${name}`))]);
  return /** @type {Record<string, string>} */ (Object.fromEntries(named));
}

/** Whether what lies behind an element is dark. */
export function isOnDark(/** @type {Element} */ element) {
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

/** A colour for each device: its kind's, in as many shades as there are of a kind. As charts.py does. */
export function slotColours(
  /** @type {Slot[]} */ slots,
  /** @type {Record<string, string>} */ colours,
) {
  const paper = rgba(colours.paper);
  const kinds = slots.map(({ kind }) => (KINDS.includes(kind) ? kind : "other"));
  return kinds.map((kind, index) => {
    const before = kinds.slice(0, index).filter((each) => each === kind).length;
    const shade = shadeOf(before, kinds.filter((each) => each === kind).length);
    const channels = rgba(colours[kind]).slice(0, 3);
    const mixed = channels.map((each, at) => Math.round(each + (paper[at] - each) * shade));
    return `rgb(${mixed.join(", ")})`;
  });
}

/** How far the nth of a kind is mixed with the paper: all differ, neighbours most. */
function shadeOf(/** @type {number} */ nth, /** @type {number} */ count) {
  const place = nth % 2 === 0 ? nth / 2 : (nth - 1) / 2 + Math.ceil(count / 2);
  return count < 2 ? 0 : (LIGHTEST * place) / (count - 1);
}
