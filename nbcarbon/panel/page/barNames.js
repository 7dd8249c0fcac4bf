// @ts-check
// Names below the cells' bars, where there is room for them.

const FONT = "10px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif";
const LEAST_PX = 14;
const LONGEST = 40;

/** @typedef {{left: number, right: number, name: string}} Bar */
/** @type {CanvasRenderingContext2D | null} */
let pen = null;

function widthOf(/** @type {string} */ words) {
  pen ??= document.createElement("canvas").getContext("2d");
  if (pen === null) return 7 * words.length;
  pen.font = FONT;
  return pen.measureText(words).width;
}

/** As much of a name as fits, or nothing. */
function fitting(/** @type {string} */ name, /** @type {number} */ px) {
  if (widthOf(name) <= px) return name;
  for (let length = Math.min(name.length - 1, LONGEST); length >= 3; length--) {
    const short = `${name.slice(0, length).trimEnd()}…`;
    if (widthOf(short) <= px) return short;
  }
  return "";
}

/** Which names to show in a window of time that is so many pixels wide, and at what times. */
export function nameBars(
  /** @type {Bar[]} */ bars,
  /** @type {{start: number, end: number}} */ { start, end },
  /** @type {number} */ px,
) {
  const perPx = (end - start) / Math.max(px, 1);
  /** @type {{x: number[], name: string[]}} */
  const found = { x: [], name: [] };
  let until = -Infinity; // of two that overlap, the first has a name
  for (const bar of [...bars].sort((a, b) => a.left - b.left)) {
    const left = Math.max(bar.left, start);
    const right = Math.min(bar.right, end);
    const room = (right - left) / perPx;
    const name = room < LEAST_PX || left < until ? "" : fitting(bar.name, room);
    if (name === "") continue;
    found.x.push((left + right) / 2);
    found.name.push(name);
    until = right;
  }
  return found;
}
