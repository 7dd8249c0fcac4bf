/** A dialog that asks for a grid zone. */

import { Dialog, showDialog } from '@jupyterlab/apputils';
import { Widget } from '@lumino/widgets';

import { element } from './dom';
import type { NotebookModel } from './model';

const LIST_ID = 'nbcarbon-zones';

/**
 * A text field with the kernel's zones to choose from. Any text may be given: the kernel also knows
 * names and cloud regions. The list fills in when the kernel gets to answer.
 */
class ZoneField extends Widget implements Dialog.IBodyWidget {
  constructor(private readonly model: NotebookModel) {
    super({ node: element('div', 'nbcarbon-dialog') });
    const label = element(
      'label',
      '',
      'Where does this machine run? A zone, a country or a cloud region:'
    );
    label.append(this.input);
    this.node.append(
      label,
      this.list,
      element('p', 'nbcarbon-quiet', 'Such as FR, Germany or us-east-1; “auto” finds it again.')
    );
    this.fill();
    model.answered.connect(this.fill, this);
  }

  getValue(): string {
    return this.input.value.trim();
  }

  override dispose(): void {
    this.model.answered.disconnect(this.fill, this);
    super.dispose();
  }

  private fill(): void {
    const zones = this.model.choices?.zones ?? [];
    if (this.list.childElementCount !== zones.length) {
      this.list.replaceChildren(
        ...zones.map(([id, name]) => element('option', '', name, { value: id }))
      );
    }
  }

  private readonly list = element('datalist', '', '', { id: LIST_ID });
  private readonly input = element('input', 'jp-mod-styled', '', {
    type: 'text',
    list: LIST_ID,
    autocomplete: 'off',
    spellcheck: 'false'
  });
}

/** The zone somebody gave, or null. */
export async function askForZone(model: NotebookModel): Promise<string | null> {
  const result = await showDialog({
    title: 'Set the zone',
    body: new ZoneField(model),
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: 'Set zone' })],
    focusNodeSelector: 'input'
  });
  return result.button.accept && result.value !== null && result.value !== '' ? result.value : null;
}
