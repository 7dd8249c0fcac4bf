// @ts-check
// Timers that end with the view they are for.

/** Do something in a while, unless the signal is over by then. */
export function later(
  /** @type {number} */ ms,
  /** @type {() => void} */ then,
  /** @type {AbortSignal} */ signal,
) {
  setTimeout(() => {
    if (!signal.aborted) then();
  }, ms);
}
