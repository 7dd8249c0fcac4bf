/** The sidebar: one, for good; it shows the notebook in use. */

import { Panel, Widget } from '@lumino/widgets';

import type { CurrentNotebook } from './current';
import { element } from './dom';
import { leafIcon } from './leafIcon';
import type { NotebookModel, Status } from './model';
import type { IOptions } from './options';
import { Summary, type ISummaryActions } from './summary';
import { WidgetSlot } from './widgetSlot';

export const PANEL_ID = 'nbcarbon-panel';

export class CarbonPanel extends Panel {
  constructor(
    private readonly current: CurrentNotebook,
    actions: ISummaryActions,
    private options: IOptions
  ) {
    super();
    this.id = PANEL_ID;
    this.addClass('nbcarbon-panel');
    this.title.icon = leafIcon;
    this.title.caption = 'Energy and CO2e (nbcarbon)';
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', this.title.caption);
    this.summary = new Summary(actions);
    this.addWidget(new Widget({ node: this.hint }));
    this.addWidget(new Widget({ node: this.summary.node }));
    this.addWidget(this.slot);
    current.changed.connect(this.refresh, this);
    this.refresh();
  }

  setOptions(options: IOptions): void {
    this.options = options;
    this.refresh();
  }

  /** A chart that is drawn while it is hidden has no size, so it waits for this. */
  protected override onAfterShow(): void {
    this.refresh();
  }

  private refresh(): void {
    const { model, panel } = this.current;
    const status = model?.status ?? 'none';
    const state = status === 'version' || status === 'absent' ? null : (model?.state ?? null);
    this.node.dataset['nbcStatus'] = status;
    this.hint.hidden = state !== null;
    this.summary.node.hidden = state === null;
    if (state !== null) {
      this.summary.draw(state, model?.silentS ?? null, this.options.units);
    } else {
      this.drawHint(status, model);
    }
    if (state === null || this.isVisible) {
      this.slot.display(panel, state?.panel ?? null);
    }
  }

  private drawHint(status: Status, model: NotebookModel | null): void {
    const hint = sentence(status, model);
    const key = hint.join();
    if (key !== this.hintKey) {
      this.hintKey = key;
      const [text, code] = hint;
      this.hint.replaceChildren(element('p', '', text));
      if (code !== undefined) {
        this.hint.append(element('code', 'nbcarbon-code', code));
      }
    }
  }

  private hintKey = '';
  private readonly hint = element('div', 'nbcarbon-hint');
  private readonly summary: Summary;
  private readonly slot = new WidgetSlot();
}

/** What the sidebar says where it has no figures, and the line to type, if there is one. */
function sentence(status: Status, model: NotebookModel | null): readonly [string, string?] {
  if (model === null) {
    return ['Open a notebook to see what its cells use.'];
  }
  if (status === 'version') {
    return [
      'The kernel and JupyterLab have different versions of nbcarbon. Install the same one in both, then restart the kernel and reload this page.',
      'pip install --upgrade nbcarbon'
    ];
  }
  if (status === 'absent') {
    return [
      'This notebook is not measured. To measure it, run this line in a cell:',
      '%load_ext nbcarbon'
    ];
  }
  return [model.hasKernel ? 'Waiting for the kernel to answer.' : 'This notebook has no kernel.'];
}
