/** The place where the kernel's own panel is drawn, by whatever widget manager the notebook has. */

import type { NotebookPanel } from '@jupyterlab/notebook';
import { MimeModel, type IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { Panel, Widget } from '@lumino/widgets';

import { element } from './dom';

const WIDGET_MIME = 'application/vnd.jupyter.widget-view+json';
const NO_WIDGETS =
  'Charts need two packages where JupyterLab runs: pip install ipywidgets anywidget, then reload this page.';

export class WidgetSlot extends Panel {
  constructor() {
    super();
    this.addClass('nbcarbon-slot');
  }

  /** Draws a notebook's widget, unless it is drawn already; takes away any other. */
  display(notebook: NotebookPanel | null, modelId: string | null): void {
    const rendermime = notebook?.content.rendermime ?? null;
    if (rendermime === this.rendermime && modelId === this.modelId) {
      return;
    }
    this.rendermime = rendermime;
    this.modelId = modelId;
    for (const old of [...this.widgets]) {
      old.dispose();
    }
    if (rendermime !== null && modelId !== null) {
      this.draw(rendermime, modelId);
    }
  }

  private draw(rendermime: IRenderMimeRegistry, modelId: string): void {
    try {
      const renderer = rendermime.createRenderer(WIDGET_MIME);
      this.addWidget(renderer);
      const view = { version_major: 2, version_minor: 0, model_id: modelId };
      const model = new MimeModel({ trusted: true, data: { [WIDGET_MIME]: view } });
      renderer.renderModel(model).catch(() => {
        if (!renderer.isDisposed) {
          renderer.dispose();
          this.explain();
        }
      });
    } catch {
      // No renderer for widgets: the server has no widget manager.
      this.explain();
    }
  }

  private explain(): void {
    this.addWidget(new Widget({ node: element('div', 'nbcarbon-hint', NO_WIDGETS) }));
  }

  private rendermime: IRenderMimeRegistry | null = null;
  private modelId: string | null = null;
}
