/**
 * The chart library, from the kernel: it always fits the kernel's Bokeh, and no network is asked.
 *
 * The widget that draws charts waits for the event `nbcarbon:bokeh`.
 */

import type { IBokehArrival, NotebookModel } from './model';
import { isObject } from './protocol';

export const BOKEH_EVENT = 'nbcarbon:bokeh';

/** BokehJS builds live side by side: the first as `Bokeh`, others as `Bokeh['3.9.2']`. */
export function hasBokeh(version: string): boolean {
  const bokeh: unknown = Reflect.get(window, 'Bokeh');
  return (
    (typeof bokeh === 'function' || isObject(bokeh)) &&
    (Reflect.get(bokeh, 'version') === version || Boolean(Reflect.get(bokeh, version)))
  );
}

/** Runs the chart libraries that a notebook's kernel sends, and asks for one that was missed. */
export class BokehSupply {
  constructor(private readonly model: NotebookModel) {
    model.bokehArrived.connect(this.onArrival, this);
    model.changed.connect(this.onNews, this);
  }

  /**
   * A kernel sends its library by itself once. A page that came later asks for it; each page that
   * shows another notebook of the same Bokeh has it already.
   */
  private onNews(): void {
    const version = this.model.state?.bokeh ?? null;
    if (version === null) {
      this.asked = null;
    } else if (this.model.joinedLate && this.asked !== version && !hasBokeh(version)) {
      this.asked = version;
      this.model.ask({ type: 'need', what: 'bokehjs' });
    }
  }

  private onArrival(_: NotebookModel, { message, buffers }: IBokehArrival): void {
    const [packed] = buffers;
    if (packed !== undefined) {
      load(message.version, packed).catch((reason: unknown) => {
        console.warn(`nbcarbon: BokehJS ${message.version} could not be started`, reason);
      });
    }
  }

  private asked: string | null = null;
}

const loading = new Map<string, Promise<void>>();

/** Starts a library once, however many kernels send it, and tells the page. */
async function load(version: string, packed: ArrayBuffer | ArrayBufferView): Promise<void> {
  if (!hasBokeh(version)) {
    const running = loading.get(version) ?? inflate(packed).then(run);
    loading.set(version, running);
    try {
      await running;
    } finally {
      loading.delete(version);
    }
  }
  window.dispatchEvent(new CustomEvent(BOKEH_EVENT, { detail: version }));
}

async function inflate(packed: ArrayBuffer | ArrayBufferView): Promise<Blob> {
  const bytes = packed instanceof ArrayBuffer ? new Uint8Array(packed) : copyOf(packed);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  const script = await new Response(stream).arrayBuffer();
  return new Blob([script], { type: 'text/javascript' });
}

/** A view may lie on memory that a Blob does not take (shared memory). */
function copyOf(view: ArrayBufferView): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(view.byteLength);
  copy.set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  return copy;
}

async function run(script: Blob): Promise<void> {
  const address = URL.createObjectURL(script);
  const node = document.createElement('script');
  try {
    await new Promise<void>((resolve, reject) => {
      node.onload = () => {
        resolve();
      };
      node.onerror = () => {
        reject(new Error('The script was refused or is broken.'));
      };
      node.src = address;
      document.head.append(node);
    });
  } finally {
    node.remove();
    URL.revokeObjectURL(address);
  }
}
