/** Lumino's widgets derive a class from this one as they are loaded; jsdom has none. */
globalThis.DragEvent = class DragEvent extends Event {};
